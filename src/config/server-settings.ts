import { bareRecord } from './bare-record.ts';
import type { JsonMember } from './document-value.ts';
import { inOrder } from './ordered-pair.ts';
import type { OrderedPair } from './ordered-pair.ts';
import { membersOf } from './report.ts';
import type { Report } from './report.ts';
import {
  asObject,
  count,
  countOrNone,
  delay,
  duration,
  factor,
  objectMembers,
  readFlags,
  readNumbers,
  readWord,
  share,
  windowLength,
} from './setting-values.ts';
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

/** Of `circuitBreaker`. Only what the file says is present. */
export interface CircuitBreakerSettings {
  readonly failureThreshold?: number;
  readonly successThreshold?: number;
  readonly openMs?: number;
  readonly windowSize?: number;
  readonly minimumRequests?: number;
}

/** Of `retry`. Only what the file says is present. */
export interface RetrySettings {
  readonly maxAttempts?: number;
  readonly baseDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly multiplier?: number;
  readonly jitter?: number;
}

/** Of one tool in `tools`. */
export interface ToolSettings {
  /** `safe`: calling it twice does no harm. `never`: it is sent once at most. */
  readonly retry: 'safe' | 'never';
}

/** What the `holdfast` key can say of a server. Only what the file says is present. */
export interface ServerSettings {
  readonly healthCheck?: HealthCheckSettings;
  readonly reconnect?: ReconnectSettings;
  readonly circuitBreaker?: CircuitBreakerSettings;
  readonly retry?: RetrySettings;
  /** By the name of the tool. Has no prototype. */
  readonly tools?: Readonly<Record<string, ToolSettings>>;
  readonly connectTimeoutMs?: number;
  readonly callTimeoutMs?: number;
  readonly maxCallTimeoutMs?: number;
  readonly waitForReadyMs?: number;
  readonly maxInFlight?: number;
  readonly maxQueue?: number;
  readonly lazy?: boolean;
  readonly trustAnnotations?: boolean;
  readonly validateOutput?: boolean;
  readonly toolChanges?: 'warn' | 'block';
  readonly protocol?: 'auto' | 'legacy' | 'modern';
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

const reconnectDelays: OrderedPair<keyof typeof reconnectRules> = {
  lesser: 'delayMs',
  greater: 'maxDelayMs',
  otherwise: { lesser: 1_000, greater: 60_000 },
};

const circuitBreakerRules = {
  failureThreshold: count,
  successThreshold: count,
  openMs: duration,
  windowSize: windowLength,
  minimumRequests: count,
} satisfies Record<keyof CircuitBreakerSettings, NumberRule>;

const requestsInWindow: OrderedPair<keyof CircuitBreakerSettings> = {
  lesser: 'minimumRequests',
  greater: 'windowSize',
  otherwise: { lesser: 10, greater: 100 },
};

const retryRules = {
  maxAttempts: count,
  baseDelayMs: delay,
  maxDelayMs: delay,
  multiplier: factor,
  jitter: share,
} satisfies Record<keyof RetrySettings, NumberRule>;

const retryWords = ['safe', 'never'] as const;
const changeWords = ['warn', 'block'] as const;
const eraWords = ['auto', 'legacy', 'modern'] as const;

const numberRules = {
  connectTimeoutMs: duration,
  callTimeoutMs: duration,
  maxCallTimeoutMs: duration,
  waitForReadyMs: delay,
  maxInFlight: count,
  maxQueue: countOrNone,
};
const flags = ['lazy', 'trustAnnotations', 'validateOutput'] as const;
/** What each setting may be, for the schema of the `holdfast` key. */
export const serverSettingRules = {
  numbers: numberRules,
  flags,
  sections: {
    healthCheck: healthCheckRules,
    reconnect: reconnectRules,
    circuitBreaker: circuitBreakerRules,
    retry: retryRules,
  },
  words: { toolChanges: changeWords, protocol: eraWords },
  retryWords,
} as const;

const sections = ['healthCheck', 'reconnect', 'circuitBreaker', 'retry', 'tools', 'toolChanges', 'protocol'];

/**
 * Reads one settings object. An unknown key or a value out of range is a problem, and is left out. `inherited`: the settings that
 * these are laid over, already read.
 */
export function readServerSettings(member: JsonMember, inherited: ServerSettings, report: Report): ServerSettings {
  const members = objectMembers(member, report, [...sections, ...Object.keys(numberRules), ...flags]);
  const healthCheck = members.get('healthCheck');
  const reconnect = members.get('reconnect');
  const circuitBreaker = members.get('circuitBreaker');
  const retry = members.get('retry');
  const tools = members.get('tools');
  const toolChanges = members.get('toolChanges');
  const protocol = members.get('protocol');
  const change = toolChanges && readWord(toolChanges, changeWords, report);
  const era = protocol && readWord(protocol, eraWords, report);
  return {
    ...(healthCheck && { healthCheck: readSection(healthCheck, healthCheckRules, report) }),
    ...(reconnect && { reconnect: readReconnect(reconnect, inherited.reconnect, report) }),
    ...(circuitBreaker && {
      circuitBreaker: readCircuitBreaker(circuitBreaker, inherited.circuitBreaker, report),
    }),
    ...(retry && { retry: readSection(retry, retryRules, report) }),
    ...(tools && { tools: readTools(tools, report) }),
    ...(change && { toolChanges: change }),
    ...(era && { protocol: era }),
    ...readNumbers(members, numberRules, report),
    ...readFlags(members, flags, report),
  };
}

function readSection<Name extends string>(
  member: JsonMember,
  rules: Readonly<Record<Name, NumberRule>>,
  report: Report,
): { readonly [N in Name]?: number } {
  return readNumbers(objectMembers(member, report, Object.keys(rules)), rules, report);
}

function readReconnect(
  member: JsonMember,
  inherited: ReconnectSettings | undefined,
  report: Report,
): ReconnectSettings {
  const members = objectMembers(member, report, ['enabled', ...Object.keys(reconnectRules)]);
  const numbers = readNumbers(members, reconnectRules, report);
  return {
    ...inOrder(numbers, reconnectDelays, members, inherited, report),
    ...readFlags(members, ['enabled'], report),
  };
}

function readCircuitBreaker(
  member: JsonMember,
  inherited: CircuitBreakerSettings | undefined,
  report: Report,
): CircuitBreakerSettings {
  const members = objectMembers(member, report, Object.keys(circuitBreakerRules));
  const numbers = readNumbers(members, circuitBreakerRules, report);
  return inOrder(numbers, requestsInWindow, members, inherited, report);
}

/** A tool may have any name, so none is unknown here. */
function readTools(member: JsonMember, report: Report): Readonly<Record<string, ToolSettings>> {
  const object = asObject(member, report);
  const tools = object === undefined ? [] : [...membersOf(object, report).values()];
  return bareRecord(
    tools.flatMap((tool) => {
      const settings = readTool(tool, report);
      return settings === undefined ? [] : [[tool.name, settings]];
    }),
  );
}

function readTool(member: JsonMember, report: Report): ToolSettings | undefined {
  const members = objectMembers(member, report, ['retry']);
  const word = members.get('retry');
  if (word === undefined) {
    if (member.value.type === 'object' && members.size === 0) {
      report.problem(member.value, '"retry" is missing', 'write "retry": "safe" or "retry": "never"');
    }
    return undefined;
  }
  const retry = readWord(word, retryWords, report);
  return retry && { retry };
}
