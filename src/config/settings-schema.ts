import { failbackModes, groupNumberRules } from './group-settings.ts';
import { serverSettingRules } from './server-settings.ts';
import type { NumberRule } from './setting-values.ts';

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What each setting is for, and what it is where nobody says: for people who read it in their editor. */
const about: Readonly<Record<string, readonly [meaning: string, defaultValue?: unknown]>> = {
  'healthCheck.intervalMs': ['Time between two checks.', 30_000],
  'healthCheck.timeoutMs': ['How long a check may take.', 5_000],
  'healthCheck.failureThreshold': ['Failed checks in a row until unhealthy.', 3],
  'healthCheck.successThreshold': ['Successful checks in a row until healthy again.', 2],
  'healthCheck.degradedLatencyMs': ['Mean latency above which a server is degraded.', 5_000],
  'reconnect.enabled': ['Whether a lost connection is made anew.', true],
  'reconnect.delayMs': ['Wait before a reconnection, growing with each failed one.', 1_000],
  'reconnect.maxDelayMs': ['The longest such wait; at least delayMs.', 60_000],
  'reconnect.multiplier': ['Growth of the wait per failed attempt.', 2],
  'reconnect.stableMs': ['Time connected after which the wait starts small again.', 60_000],
  'reconnect.crashLoopExits': ['A program that exits more often than this within the window is in a crash loop.', 5],
  'reconnect.crashLoopWindowMs': ['That window.', 300_000],
  'reconnect.crashLoopDelayMs': ['Wait between two starts in a crash loop.', 300_000],
  'circuitBreaker.failureThreshold': ['Failed calls in a row after which the server gets none for a while.', 5],
  'circuitBreaker.successThreshold': [
    'Good checks that half-open needs, and answered calls that end the probation.',
    3,
  ],
  'circuitBreaker.openMs': ['How long the circuit stays open; doubled each time that it opens again.', 60_000],
  'circuitBreaker.windowSize': ['How many of the last calls are looked at: half of them failed opens it, too.', 100],
  'circuitBreaker.minimumRequests': ['With fewer calls than this only a run of failures opens it.', 10],
  'retry.maxAttempts': ['Attempts of one call where repeating it is safe, the first included.', 3],
  'retry.baseDelayMs': ['Time to the second attempt on the same server.', 100],
  'retry.maxDelayMs': ['The longest such time.', 30_000],
  'retry.multiplier': ['Growth of that time per attempt.', 2],
  'retry.jitter': ['Share of that time that is left to chance.', 0.1],
  lazy: ['Connect at the first call, not at the start.', false],
  connectTimeoutMs: ['Bounds a connection attempt; by default 60000 for programs, 30000 for addresses.'],
  callTimeoutMs: ['Time for one call, begun anew by each progress notification.', 60_000],
  maxCallTimeoutMs: ['Time for one call however much progress it makes.', 300_000],
  waitForReadyMs: ['How long a call waits for a server that is being connected again; 0: not at all.', 5_000],
  trustAnnotations: ['Believe a server that calls a tool read-only or idempotent.', false],
  validateOutput: ['Hold what a tool returns against its output schema.', true],
  toolChanges: ['What happens when a tool is not what it was when it was first seen.', 'warn'],
  protocol: ['Which eras of the protocol may be spoken.', 'auto'],
  maxInFlight: ['Calls that the server has at a time; more wait for their turn.', 64],
  maxQueue: ['Calls that wait for their turn; more are refused.', 256],
  failoverThreshold: ['Failures in a row, of checks or calls, that move the group.', 3],
  failback: ['Whether the group returns to a more wanted member by itself.', 'auto'],
  failbackDelayMs: ['How long that member must have been healthy without a break before.', 60_000],
};

/**
 * The schema of a configuration file's `holdfast` and `extends` keys; everything else is left to its host. Editors offer and check settings with it.
 * What a schema cannot say (that a server exists, that one of two settings is at least the other) is for `loadConfig` to tell.
 */
export function configSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'What holdfast reads of a configuration of MCP servers',
    type: 'object',
    properties: {
      extends: {
        description: 'Files that this one builds on: what it says itself wins.',
        anyOf: [
          { type: 'string', minLength: 1 },
          { type: 'array', items: { type: 'string', minLength: 1 } },
        ],
      },
      holdfast: closed({
        defaults: { description: 'For all servers.', $ref: '#/$defs/server' },
        servers: {
          description: 'For one server, by its id; wins over defaults.',
          type: 'object',
          additionalProperties: { $ref: '#/$defs/server' },
        },
        listen: {
          description: 'Where holdfast up serves its status API: [host:]port, or unix:<path>; false: nowhere.',
          anyOf: [{ type: 'string', minLength: 1 }, { const: false }],
        },
        groups: {
          description: 'Servers that stand in for each other, by the id of the group.',
          type: 'object',
          additionalProperties: { $ref: '#/$defs/group' },
        },
      }),
    },
    $defs: { server: serverSchema(), group: groupSchema() },
  };
}

function serverSchema(): JsonSchema {
  const { numbers, flags, sections, words, retryWords } = serverSettingRules;
  const section = (name: keyof typeof sections): readonly [string, JsonSchema] => [
    name,
    closed({
      ...numbersOf(sections[name], `${name}.`),
      ...(name === 'reconnect' && { enabled: described('reconnect.enabled', { type: 'boolean' }) }),
    }),
  ];
  return closed({
    ...Object.fromEntries([
      section('healthCheck'),
      section('reconnect'),
      section('circuitBreaker'),
      section('retry'),
      ...flags.map((name) => [name, described(name, { type: 'boolean' })]),
      ...Object.entries(words).map(([name, list]) => [name, described(name, { enum: list })]),
    ]),
    ...numbersOf(numbers, ''),
    tools: {
      description:
        'What you know of single tools, by their names. safe: calling it twice does no harm. never: sent once at most.',
      type: 'object',
      additionalProperties: { ...closed({ retry: { enum: retryWords } }), required: ['retry'] },
    },
  });
}

function groupSchema(): JsonSchema {
  const id = { type: 'string', minLength: 1 };
  return {
    ...closed({
      primary: { ...id, description: 'The server that calls go to while it serves.' },
      backups: {
        description: 'Those that stand in for it, the most wanted first.',
        type: 'array',
        items: id,
        minItems: 1,
        uniqueItems: true,
      },
      ...numbersOf(groupNumberRules, ''),
      failback: described('failback', { enum: failbackModes }),
      catalogFrom: { ...id, description: 'The member whose tools are the reference.' },
    }),
    required: ['primary', 'backups'],
  };
}

function numbersOf(rules: Readonly<Record<string, NumberRule>>, prefix: string): JsonSchema {
  return Object.fromEntries(
    Object.entries(rules).map(([name, { type, minimum, maximum }]) => [
      name,
      described(`${prefix}${name}`, {
        type,
        minimum,
        ...(maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
      }),
    ]),
  );
}

function described(path: string, schema: JsonSchema): JsonSchema {
  const [description, value] = about[path] ?? [];
  return { ...(description && { description }), ...schema, ...(value !== undefined && { default: value }) };
}

function closed(properties: JsonSchema): JsonSchema {
  return { type: 'object', additionalProperties: false, properties };
}
