import { InvalidOptionError } from '../errors/usage-errors.ts';
import type { Protocol, ServerRequestHandlers } from '../link/link.ts';
import { defaultCircuitBreaker, type CircuitBreakerConfig } from '../machines/circuit-policy.ts';
import { defaultHealthCheck, type HealthCheckConfig } from '../machines/health-policy.ts';
import { defaultReconnect, type ReconnectConfig } from '../machines/reconnect-policy.ts';
import { defaultRetry, type RetryConfig } from '../machines/retry-policy.ts';
import {
  atLeast,
  booleanValue,
  functionValue,
  mapOf,
  objectOf,
  oneOf,
  sections,
  wholeNumber,
  type Rules,
} from './option-rules.ts';
import type { ToolChanges } from './tool-trust.ts';

export { defaultCircuitBreaker, defaultHealthCheck, defaultReconnect, defaultRetry };

/** Any of the fields, or none; a field that is undefined counts as left out. */
export type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** How one server is held. Server options win over the manager's `defaults`, and those over the built-in defaults. */
export interface ServerOptions {
  readonly healthCheck?: Optional<HealthCheckConfig> | undefined;
  readonly reconnect?: Optional<ReconnectConfig> | undefined;
  /** True: connect with the first call, not now. Default false. */
  readonly lazy?: boolean | undefined;
  /** False: `addServer` returns at once and the session keeps trying. Default true: it resolves when the session is first healthy, and rejects when the first attempt fails. */
  readonly waitForReady?: boolean | undefined;
  /**
   * Which eras of the protocol may be spoken: `legacy` is ≤ 2025-11-25, `modern` is 2026-07-28 and later. Default `auto`: legacy with a server
   * that knows it, modern with one that does not; a server that knows both is spoken to in the legacy era.
   */
  readonly protocol?: Protocol | undefined;
  /** Answers to what the server may ask of us. */
  readonly handlers?: ServerRequestHandlers | undefined;
  /** Bounds a connection attempt, from the permit to the first healthy moment; default 30 000 for `http` and `webSocket`, else 60 000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Time for one call, begun anew by each progress notification; default 60 000. */
  readonly callTimeoutMs?: number | undefined;
  /** Time for one call however much progress it makes; default 300 000. */
  readonly maxCallTimeoutMs?: number | undefined;
  /** When a server that fails its calls gets none for a while. */
  readonly circuitBreaker?: Optional<CircuitBreakerConfig> | undefined;
  /** How calls are repeated where that is safe. */
  readonly retry?: Optional<RetryConfig> | undefined;
  /**
   * True: believe what the server says of its tools. One that it calls read-only or idempotent may then be called again when it may have
   * been executed already. Default false: annotations are hints, and a server can get them wrong.
   */
  readonly trustAnnotations?: boolean | undefined;
  /**
   * What you know of single tools, by their names. `safe`: calling it twice does no harm, so it may be called again when it may
   * have been executed already. `never`: it is sent once at most, whatever else is said.
   */
  readonly tools?: Readonly<Record<string, { readonly retry: 'safe' | 'never' }>> | undefined;
  /** False: deliver what a tool returns without holding it against the output schema that the tool declares. Default true. */
  readonly validateOutput?: boolean | undefined;
  /**
   * What happens when a tool is not what it was when it was first seen: its title, description, schemas or annotations. `warn`, the default:
   * it is told as `toolChanged`. `block`: calls of it are refused with `ToolChangedError`, too, until `acceptTool`.
   */
  readonly toolChanges?: ToolChanges | undefined;
  /** The most calls that the server has at a time; default 64. More wait for their turn. Checks are not counted. */
  readonly maxInFlight?: number | undefined;
  /** The most calls that wait for their turn; default 256. More are refused with `QueueFullError`, and so is one that has waited 30 s. */
  readonly maxQueue?: number | undefined;
  /** How long a call waits for the server while it is being connected again; default 5 000. 0: not at all. */
  readonly waitForReadyMs?: number | undefined;
}

/** Server options with every default filled in that does not depend on the target. */
export interface ResolvedServerOptions {
  readonly healthCheck: HealthCheckConfig;
  readonly reconnect: ReconnectConfig;
  readonly lazy: boolean;
  readonly waitForReady: boolean;
  readonly protocol: Protocol;
  readonly handlers: ServerRequestHandlers | undefined;
  /** Undefined: the default of the target's kind. */
  readonly connectTimeoutMs: number | undefined;
  readonly callTimeoutMs: number;
  readonly maxCallTimeoutMs: number;
  readonly circuitBreaker: CircuitBreakerConfig;
  readonly retry: RetryConfig;
  readonly trustAnnotations: boolean;
  readonly tools: Readonly<Record<string, { readonly retry: 'safe' | 'never' }>>;
  readonly validateOutput: boolean;
  readonly toolChanges: ToolChanges;
  readonly maxInFlight: number;
  readonly maxQueue: number;
  readonly waitForReadyMs: number;
}

export const serverOptionRules: Rules = {
  healthCheck: objectOf({
    intervalMs: atLeast(1),
    timeoutMs: atLeast(1),
    failureThreshold: wholeNumber(1),
    successThreshold: wholeNumber(1),
    degradedLatencyMs: atLeast(0),
  }),
  reconnect: objectOf({
    enabled: booleanValue,
    delayMs: atLeast(0),
    maxDelayMs: atLeast(0),
    multiplier: atLeast(1, 100),
    stableMs: atLeast(0),
    crashLoopExits: wholeNumber(1),
    crashLoopWindowMs: atLeast(0),
    crashLoopDelayMs: atLeast(0),
  }),
  lazy: booleanValue,
  waitForReady: booleanValue,
  protocol: oneOf('auto', 'legacy', 'modern'),
  handlers: objectOf({ elicit: functionValue, elicitUrl: functionValue, sample: functionValue, roots: functionValue }),
  connectTimeoutMs: atLeast(1),
  callTimeoutMs: atLeast(1),
  maxCallTimeoutMs: atLeast(1),
  circuitBreaker: objectOf({
    failureThreshold: wholeNumber(1),
    successThreshold: wholeNumber(1),
    openMs: atLeast(1),
    windowSize: wholeNumber(1, 10_000),
    minimumRequests: wholeNumber(1),
  }),
  retry: objectOf({
    maxAttempts: wholeNumber(1),
    baseDelayMs: atLeast(0),
    maxDelayMs: atLeast(0),
    multiplier: atLeast(1, 100),
    jitter: atLeast(0, 1),
  }),
  trustAnnotations: booleanValue,
  tools: mapOf(objectOf({ retry: oneOf('safe', 'never') })),
  validateOutput: booleanValue,
  toolChanges: oneOf('warn', 'block'),
  maxInFlight: wholeNumber(1),
  maxQueue: wholeNumber(0),
  waitForReadyMs: atLeast(0),
};

/** Checks the options and fills in what they leave open. Throws `InvalidOptionError`. */
export function resolveServerOptions(
  options: ServerOptions,
  defaults: ServerOptions,
  serverId?: string,
): ResolvedServerOptions {
  sections(options, serverOptionRules, '', serverId);
  const healthCheck = { ...defaultHealthCheck, ...defined(defaults.healthCheck), ...defined(options.healthCheck) };
  const reconnect = { ...defaultReconnect, ...defined(defaults.reconnect), ...defined(options.reconnect) };
  if (reconnect.maxDelayMs < reconnect.delayMs) {
    throw new InvalidOptionError(
      'reconnect.maxDelayMs',
      reconnect.maxDelayMs,
      `at least reconnect.delayMs (${reconnect.delayMs})`,
      serverId,
    );
  }
  const circuitBreaker = {
    ...defaultCircuitBreaker,
    ...defined(defaults.circuitBreaker),
    ...defined(options.circuitBreaker),
  };
  if (circuitBreaker.minimumRequests > circuitBreaker.windowSize) {
    throw new InvalidOptionError(
      'circuitBreaker.minimumRequests',
      circuitBreaker.minimumRequests,
      `at most circuitBreaker.windowSize (${circuitBreaker.windowSize})`,
      serverId,
    );
  }
  const callTimeoutMs = options.callTimeoutMs ?? defaults.callTimeoutMs ?? 60_000;
  return {
    healthCheck,
    reconnect,
    lazy: options.lazy ?? defaults.lazy ?? false,
    waitForReady: options.waitForReady ?? defaults.waitForReady ?? true,
    protocol: options.protocol ?? defaults.protocol ?? 'auto',
    handlers: options.handlers ?? defaults.handlers,
    connectTimeoutMs: options.connectTimeoutMs ?? defaults.connectTimeoutMs,
    callTimeoutMs,
    maxCallTimeoutMs: Math.max(callTimeoutMs, options.maxCallTimeoutMs ?? defaults.maxCallTimeoutMs ?? 300_000),
    circuitBreaker,
    retry: { ...defaultRetry, ...defined(defaults.retry), ...defined(options.retry) },
    trustAnnotations: options.trustAnnotations ?? defaults.trustAnnotations ?? false,
    tools: { ...defaults.tools, ...options.tools },
    validateOutput: options.validateOutput ?? defaults.validateOutput ?? true,
    toolChanges: options.toolChanges ?? defaults.toolChanges ?? 'warn',
    maxInFlight: options.maxInFlight ?? defaults.maxInFlight ?? 64,
    maxQueue: options.maxQueue ?? defaults.maxQueue ?? 256,
    waitForReadyMs: options.waitForReadyMs ?? defaults.waitForReadyMs ?? 5_000,
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The same object without the keys that are undefined, so that spreading it hides nothing. */
export function defined<T extends object>(partial: T | undefined): Defined<T>;
export function defined(partial: object = {}): object {
  return Object.fromEntries(Object.entries(partial).filter(([, value]) => value !== undefined));
}
