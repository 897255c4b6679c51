import type { InvariantName, sameTrace } from './invariants.ts';

/** A bug that is planted in the compiled code, to show that the simulator sees it. */
export interface Mutant {
  /** What is wrong, in a few words. */
  readonly name: string;
  /** The invariant that has to break. */
  readonly invariant: InvariantName | typeof sameTrace;
  /** The module, by its path in `src`, without its ending. */
  readonly file: string;
  /** Must be in the compiled module exactly once. */
  readonly find: string;
  readonly replace: string;
  /** Simulated minutes of each seed; default 5. */
  readonly minutes?: number | undefined;
}

export const mutants: readonly Mutant[] = [
  {
    name: 'a link counts as released before it is',
    invariant: 'one-link',
    file: 'actors/link-lease',
    find: 'held.released = this.#bounded(held, mode).then(',
    replace: 'held.released = Promise.resolve(closed(held.link, mode) === null).then(',
  },
  {
    name: 'what has arrived during a stall is not read before a link counts as leaked',
    invariant: 'one-link',
    file: 'actors/link-lease',
    find: 'this.#clock.nextMacrotask(() => {',
    replace: '[0].forEach(() => {',
  },
  {
    name: 'a crash forgets the generation',
    invariant: 'generations-rise',
    file: 'manager/fleet',
    find: 'record.memory = memory;',
    replace: 'record.memory = { ...memory, generation: 1 };',
  },
  {
    name: 'a link that was let go is still heard',
    invariant: 'stale-generation',
    file: 'actors/link-lease',
    find: 'else if (this.#held?.link === link && this.#held.mode === undefined)',
    replace: 'else',
  },
  {
    name: 'a check does not wait for the one before it',
    invariant: 'one-probe',
    file: 'actors/link-actor',
    find: 'link === undefined || this.#stopProbe !== undefined)',
    replace: 'link === undefined)',
  },
  {
    name: 'a call is bounded by its longest time alone',
    invariant: 'settles-in-time',
    file: 'manager/call-time',
    find: 'this.#lookIn(this.#beganMs, Math.min(limits.timeoutMs, limits.maxTimeoutMs));',
    replace: 'this.#lookIn(this.#beganMs, limits.maxTimeoutMs);',
  },
  {
    name: 'a call that waits for its turn cannot be ended',
    invariant: 'settles-in-time',
    file: 'manager/bulkhead',
    find: "onEnd(end('ended'));",
    replace: '',
  },
  {
    name: 'a call that is ended is not taken back',
    invariant: 'nothing-written-after-settlement',
    file: 'manager/attempt',
    find: 'const result = await pending.answer;',
    replace:
      'const result = await Promise.race([pending.answer, new Promise((_, reject) => { time.onEnd = () => { reject(new Error("ended")); }; })]);',
  },
  {
    name: 'every tool is safe to repeat',
    invariant: 'unsafe-once',
    file: 'manager/retry-safety',
    find: 'if (!record.options.trustAnnotations || call.tool === undefined)\n        return false;',
    replace: 'if (call.tool !== undefined) return true;',
  },
  {
    name: 'what may have been executed is repeated again and again',
    invariant: 'safe-bounded',
    file: 'machines/retry-policy',
    find: 'view.isSafe && view.unknowns === 0 ?',
    replace: 'view.isSafe ?',
  },
  {
    name: 'a lost reply counts as not sent',
    invariant: 'outcome-true',
    file: 'manager/call-failure',
    find: 'if (sent) {',
    replace: 'if (!sent) {',
  },
  {
    name: "a server's own error counts as rejected",
    invariant: 'outcome-true',
    file: 'manager/call-failure',
    find: 'new Set([-32_700, -32_600, -32_601])',
    replace: 'new Set([-32_700, -32_600, -32_601, -32_000])',
  },
  {
    name: 'the crash of a session is thrown globally, too',
    invariant: 'typed-errors',
    file: 'manager/fleet',
    find: 'error: heardByItsManager,',
    replace: '',
  },
  {
    name: 'the retry budget is never used up',
    invariant: 'retry-budget',
    file: 'machines/retry-policy',
    find: 'return budget > fullBudget / 2;',
    replace: 'return budget <= fullBudget;',
    minutes: 10,
  },
  {
    name: 'an unhealthy session takes calls',
    invariant: 'admits',
    file: 'manager/admission',
    find: "if (!record.admits && !insists)\n            return 'shut';",
    replace: '',
  },
  {
    name: 'a call that says that it does not insist insists',
    invariant: 'circuit-honest',
    file: 'manager/session-route',
    find: 'insists: options.evenIfUnhealthy === true,',
    replace: 'insists: options.evenIfUnhealthy !== undefined,',
  },
  {
    name: 'a group takes its last resort first',
    invariant: 'selects-admissible',
    file: 'machines/group-policy',
    find: 'if (admitting.length === 0) {',
    replace: 'if (admitting.length < members.length) {',
  },
  {
    name: 'a server has one call too many',
    invariant: 'caps',
    file: 'manager/bulkhead',
    find: 'if (this.#inFlight >= this.#maxInFlight)',
    replace: 'if (this.#inFlight > this.#maxInFlight)',
  },
  {
    name: 'a session is unhealthy one check too late',
    invariant: 'failed-checks',
    file: 'machines/health-policy',
    find: 'return count.failures >= policy.failureThreshold;',
    replace: 'return count.failures > policy.failureThreshold;',
  },
  {
    name: 'a good check takes one failed check back, not all',
    invariant: 'failed-checks',
    file: 'machines/health-policy',
    find: 'const good = { failures: 0,',
    replace: 'const good = { failures: Math.max(0, count.failures - 1),',
  },
  {
    name: 'what calls come to is told to another session',
    invariant: 'bystander',
    file: 'machines/manager-setup',
    find: "event.type === 'CALL.EDGE' ? childOf(self, event.id)",
    replace: "event.type === 'CALL.EDGE' ? childOf(self, 'bystander')",
  },
  {
    name: 'calls that are answered again are not told',
    invariant: 'recovers',
    file: 'machines/call-tally',
    find: "edges.push({ type: 'CALLS.RECOVERED' });",
    replace: '{ }',
  },
  {
    name: 'a crashed session is not started again',
    invariant: 'recovers',
    file: 'machines/manager-setup',
    find: "enqueue.raise({ type: 'SERVER.RESTART', id }, { id: restartOf(id), delay });",
    replace: '',
  },
  {
    name: 'a session does not hear that its failed calls were forgiven',
    invariant: 'recovers',
    file: 'manager/group-handle',
    find: "this.#world.tellEdge(favoured, { type: 'CALLS.RECOVERED' });",
    replace: '{ }',
    minutes: 10,
  },
  {
    name: 'a half-open circuit stays half open',
    invariant: 'recovers',
    file: 'machines/circuit-policy',
    find: 'return circuit.successes + 1 >= config.successThreshold;',
    replace: 'return circuit.successes + 1 < 0;',
  },
  {
    name: 'a parked session never looks again',
    invariant: 'wakes-up',
    file: 'machines/session-rows',
    find: "'remember',\n            'time the rest',",
    replace: "'remember',",
  },
  {
    name: 'an attempt may take ten times as long',
    invariant: 'wakes-up',
    file: 'machines/session-setup',
    find: "'the connect timeout': ({ context }) => context.policy.connectTimeoutMs,",
    replace: "'the connect timeout': ({ context }) => context.policy.connectTimeoutMs * 10,",
  },
  {
    name: 'the backoff grows a step too early',
    invariant: 'backoff-bounds',
    file: 'machines/reconnect-policy',
    find: 'policy.multiplier ** (attempt - 1)',
    replace: 'policy.multiplier ** attempt',
  },
  {
    name: 'failed attempts are forgotten after a second',
    invariant: 'backoff-bounds',
    file: 'machines/session-setup',
    find: "'the stable time': ({ context }) => context.policy.reconnect.stableMs,",
    replace: "'the stable time': 1_000,",
  },
  {
    name: 'what a server asks for is not waited',
    invariant: 'backoff-bounds',
    file: 'machines/reconnect-policy',
    find: 'return askedForMs === undefined\n        ?',
    replace: 'return askedForMs !== null\n        ?',
  },
  {
    name: 'the circuit stays open twice as long',
    invariant: 'circuit-moves',
    file: 'machines/circuit-policy',
    find: 'Math.min(openings - 1, mostDoublings)',
    replace: 'Math.min(openings, mostDoublings)',
  },
  {
    name: 'the second failed call opens the circuit',
    invariant: 'circuit-moves',
    file: 'machines/circuit-policy',
    find: 'return (failedInARow >= config.failureThreshold ||',
    replace: 'return (failedInARow >= 2 ||',
  },
  {
    name: 'no number of failed calls opens the circuit',
    invariant: 'circuit-moves',
    file: 'machines/circuit-policy',
    find: 'return (failedInARow >= config.failureThreshold ||',
    replace: 'return (failedInARow < 0 ||',
  },
  {
    name: 'one good check too few closes the circuit',
    invariant: 'circuit-moves',
    file: 'machines/circuit-policy',
    find: 'return circuit.successes + 1 >= config.successThreshold;',
    replace: 'return circuit.successes + 2 >= config.successThreshold;',
  },
  {
    name: 'a circuit that opens is no event',
    invariant: 'events-complete',
    file: 'manager/session-view',
    find: 'before.state !== after.state ||',
    replace: '',
  },
  {
    name: 'a server counts as removed before it is closed',
    invariant: 'closed-final',
    file: 'manager/server-registry',
    find: 'record.removing = record.closed.then(',
    replace: 'record.removing = Promise.resolve().then(',
  },
  {
    name: 'a group may switch every second',
    invariant: 'switch-rate',
    file: 'machines/group-policy',
    find: 'export const dwellMs = 10_000;',
    replace: 'export const dwellMs = 1_000;',
  },
  {
    name: 'a call leaves its timer behind',
    invariant: 'leaves-nothing',
    file: 'manager/call-time',
    find: 'this.#isOver = true;\n        this.#deadlines.remove(this, this.#waitMs);',
    replace: 'this.#isOver = true;',
  },
  {
    name: "a link's last words are told as they are",
    invariant: 'secrets',
    file: 'manager/scrubbed-link',
    find: 'return { ...event, fault: scrubbedFault(event.fault, secrets) };',
    replace: 'return event;',
  },
  {
    name: "a request's failure is told as it is",
    invariant: 'secrets',
    file: 'manager/scrubbed-link',
    find: 'return { ...failure, fault: scrubbedFault(failure.fault, secrets) };',
    replace: 'return failure;',
  },
  {
    name: 'retries are left to chance',
    invariant: 'same-trace',
    file: 'manager/call-path',
    find: 'this.#world.ports.random()',
    replace: 'Math.random()',
  },
];
