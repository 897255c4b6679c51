import { InvalidOptionError } from '../errors/usage-errors.ts';
import { defaultHealthCheck } from '../machines/health-policy.ts';
import { defaultReconnect } from '../machines/reconnect-policy.ts';
import { atLeast, booleanValue, objectOf, sections, text, wholeNumber, type Rules } from './option-rules.ts';
import {
  defined,
  resolveServerOptions,
  serverOptionRules,
  type Optional,
  type ServerOptions,
} from './server-options.ts';

/** How a manager holds its servers. */
export interface ManagerConfig {
  /** The most servers at a time; default 10. */
  readonly maxConnections: number;
  /** False: no health checks after a connection is established. Default true. */
  readonly healthMonitoring: boolean;
  /** Alias of `defaults.healthCheck.intervalMs`; 30 000. */
  readonly healthCheckIntervalMs: number;
  /** Alias of `defaults.healthCheck.timeoutMs`; 5 000. */
  readonly healthCheckTimeoutMs: number;
  /** Alias of `defaults.healthCheck.failureThreshold`; 3. */
  readonly healthCheckThreshold: number;
  /** Alias of `defaults.reconnect.enabled`; true. */
  readonly autoReconnect: boolean;
  /** Alias of `defaults.reconnect.delayMs`; 1 000. */
  readonly reconnectDelayMs: number;
  /** Alias of `defaults.reconnect.maxDelayMs`; 60 000. */
  readonly maxReconnectDelayMs: number;
  /** Alias of `defaults.reconnect.multiplier`; 2. */
  readonly reconnectBackoffMultiplier: number;
  /** Options of every server that does not set them itself. */
  readonly defaults: ServerOptions;
  /** How long a server that is removed may finish what is in flight; default 30 000. */
  readonly drainMs: number;
  /** How we introduce ourselves to servers. */
  readonly clientInfo: { readonly name: string; readonly version: string };
}

export const defaultManagerConfig: Readonly<ManagerConfig> = Object.freeze({
  maxConnections: 10,
  healthMonitoring: true,
  healthCheckIntervalMs: defaultHealthCheck.intervalMs,
  healthCheckTimeoutMs: defaultHealthCheck.timeoutMs,
  healthCheckThreshold: defaultHealthCheck.failureThreshold,
  autoReconnect: defaultReconnect.enabled,
  reconnectDelayMs: defaultReconnect.delayMs,
  maxReconnectDelayMs: defaultReconnect.maxDelayMs,
  reconnectBackoffMultiplier: defaultReconnect.multiplier,
  defaults: Object.freeze({}),
  drainMs: 30_000,
  clientInfo: Object.freeze({ name: 'holdfast', version: '0.1.0' }),
});

const rules: Rules = {
  maxConnections: wholeNumber(1),
  healthMonitoring: booleanValue,
  healthCheckIntervalMs: atLeast(1),
  healthCheckTimeoutMs: atLeast(1),
  healthCheckThreshold: wholeNumber(1),
  autoReconnect: booleanValue,
  reconnectDelayMs: atLeast(0),
  maxReconnectDelayMs: atLeast(0),
  reconnectBackoffMultiplier: atLeast(1, 100),
  defaults: objectOf(serverOptionRules),
  drainMs: atLeast(0),
  clientInfo: objectOf({ name: text, version: text }),
};

/** Checks the configuration and fills in what it leaves open. Throws `InvalidOptionError`. */
export function resolveManagerConfig(config: Optional<ManagerConfig>): Readonly<ManagerConfig> {
  sections(config, rules, '', undefined);
  const given = defined(config);
  const defaults = withAliases(given);
  const resolved = resolveServerOptions({}, defaults);
  return Object.freeze({
    ...defaultManagerConfig,
    ...given,
    healthCheckIntervalMs: resolved.healthCheck.intervalMs,
    healthCheckTimeoutMs: resolved.healthCheck.timeoutMs,
    healthCheckThreshold: resolved.healthCheck.failureThreshold,
    autoReconnect: resolved.reconnect.enabled,
    reconnectDelayMs: resolved.reconnect.delayMs,
    maxReconnectDelayMs: resolved.reconnect.maxDelayMs,
    reconnectBackoffMultiplier: resolved.reconnect.multiplier,
    defaults: Object.freeze(defaults),
    clientInfo: Object.freeze({ ...defaultManagerConfig.clientInfo, ...given.clientInfo }),
  });
}

function withAliases(config: Optional<ManagerConfig>): ServerOptions {
  const { defaults = {} } = config;
  const { healthCheck, reconnect } = defaults;
  return {
    ...defaults,
    healthCheck: {
      ...healthCheck,
      ...defined({
        intervalMs: agreed(
          'healthCheckIntervalMs',
          config.healthCheckIntervalMs,
          'healthCheck.intervalMs',
          healthCheck?.intervalMs,
        ),
        timeoutMs: agreed(
          'healthCheckTimeoutMs',
          config.healthCheckTimeoutMs,
          'healthCheck.timeoutMs',
          healthCheck?.timeoutMs,
        ),
        failureThreshold: agreed(
          'healthCheckThreshold',
          config.healthCheckThreshold,
          'healthCheck.failureThreshold',
          healthCheck?.failureThreshold,
        ),
      }),
    },
    reconnect: {
      ...reconnect,
      ...defined({
        enabled: agreed('autoReconnect', config.autoReconnect, 'reconnect.enabled', reconnect?.enabled),
        delayMs: agreed('reconnectDelayMs', config.reconnectDelayMs, 'reconnect.delayMs', reconnect?.delayMs),
        maxDelayMs: agreed(
          'maxReconnectDelayMs',
          config.maxReconnectDelayMs,
          'reconnect.maxDelayMs',
          reconnect?.maxDelayMs,
        ),
        multiplier: agreed(
          'reconnectBackoffMultiplier',
          config.reconnectBackoffMultiplier,
          'reconnect.multiplier',
          reconnect?.multiplier,
        ),
      }),
    },
  };
}

/** Two names for one setting must not say different things. */
function agreed<T>(alias: string, aliased: T | undefined, name: string, set: T | undefined): T | undefined {
  if (aliased !== undefined && set !== undefined && aliased !== set) {
    throw new InvalidOptionError(
      alias,
      aliased,
      `the same as defaults.${name} (${String(set)}), of which it is an alias`,
    );
  }
  return aliased ?? set;
}
