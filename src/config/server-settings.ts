import type { JsonMember } from './json-document.ts';
import type { Report } from './report.ts';
import { count, duration, factor, objectMembers, readFlags, readNumbers } from './setting-values.ts';
import type { NumberRule } from './setting-values.ts';

/** Of `healthCheck`. Only what the file says is present. */
export interface HealthCheckSettings {
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly failureThreshold?: number;
  readonly successThreshold?: number;
  readonly degradedLatencyMs?: number;
}

/** Of `reconnect`. Only what the file says is present. */
export interface ReconnectSettings {
  readonly enabled?: boolean;
  readonly delayMs?: number;
  readonly maxDelayMs?: number;
  readonly multiplier?: number;
  readonly stableMs?: number;
  readonly crashLoopExits?: number;
  readonly crashLoopWindowMs?: number;
  readonly crashLoopDelayMs?: number;
}

/** What the `holdfast` key can say of a server. Only what the file says is present. */
export interface ServerSettings {
  readonly healthCheck?: HealthCheckSettings;
  readonly reconnect?: ReconnectSettings;
  readonly connectTimeoutMs?: number;
  readonly callTimeoutMs?: number;
  readonly lazy?: boolean;
}

const healthCheckRules = {
  intervalMs: duration,
  timeoutMs: duration,
  failureThreshold: count,
  successThreshold: count,
  degradedLatencyMs: duration,
} satisfies Record<keyof HealthCheckSettings, NumberRule>;

const reconnectRules = {
  delayMs: duration,
  maxDelayMs: duration,
  multiplier: factor,
  stableMs: duration,
  crashLoopExits: count,
  crashLoopWindowMs: duration,
  crashLoopDelayMs: duration,
} satisfies Record<Exclude<keyof ReconnectSettings, 'enabled'>, NumberRule>;

const timeoutRules = { connectTimeoutMs: duration, callTimeoutMs: duration };

/** Reads one settings object. An unknown key or a value out of range is a problem, and is left out. */
export function readServerSettings(member: JsonMember, report: Report): ServerSettings {
  const members = objectMembers(member, report, ['healthCheck', 'reconnect', 'lazy', ...Object.keys(timeoutRules)]);
  const healthCheck = members.get('healthCheck');
  const reconnect = members.get('reconnect');
  return {
    ...(healthCheck && { healthCheck: readHealthCheck(healthCheck, report) }),
    ...(reconnect && { reconnect: readReconnect(reconnect, report) }),
    ...readNumbers(members, timeoutRules, report),
    ...readFlags(members, ['lazy'], report),
  };
}

function readHealthCheck(member: JsonMember, report: Report): HealthCheckSettings {
  return readNumbers(objectMembers(member, report, Object.keys(healthCheckRules)), healthCheckRules, report);
}

function readReconnect(member: JsonMember, report: Report): ReconnectSettings {
  const members = objectMembers(member, report, ['enabled', ...Object.keys(reconnectRules)]);
  return { ...readNumbers(members, reconnectRules, report), ...readFlags(members, ['enabled'], report) };
}
