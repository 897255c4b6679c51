import type { SessionEvent } from '../../../src/index.ts';
import { type Entry, type History, serverOf, stalledWithin } from '../history.ts';
import { callsOf } from './call-table.ts';
import { type Breach, breach, type Invariant } from './invariant.ts';

type CircuitChanged = Extract<SessionEvent, { readonly type: 'circuitChanged' }>;

const longestOpenMs = 300_000;

interface Circuit {
  movedMs: number;
  openings: number;
  openMs: number;
  /** Calls that failed since it last moved. */
  failures: number;
  /** The last calls of this connection since it last moved, true where they failed; only what is beyond doubt. */
  outcomes: readonly boolean[];
  /** Calls meanwhile that may have counted, or not. */
  doubtful: number;
  /** When a reply was last lost that was asked for after the one before it had been. */
  lostMs: number;
  /** What the failed ones among them come to, where they are too many; null while they are not. */
  tooMany: string | null;
  /** Calls in a row that got no answer in their time since it last moved. */
  silent: number;
  goodChecks: number;
  onProbation: boolean;
  state: CircuitChanged['to'];
}

export const circuitInvariants = {
  'circuit-moves': {
    meaning:
      'A circuit opens by its thresholds and no other way, for as long as it says, and closes only after enough good checks, or by hand.',
    *check(history) {
      const circuits = new Map<string, Circuit>();
      for (const entry of history.entries) {
        if (entry.kind === 'event' && entry.event.serverId !== undefined) {
          const { event } = entry;
          if (event.type === 'serverAdded') circuits.set(event.serverId, freshCircuit(entry.atMs));
          const circuit = circuits.get(event.serverId);
          if (circuit === undefined) continue;
          if (event.type === 'healthChecked' && event.ok) circuit.goodChecks += 1;
          if (event.type === 'stateChanged' && event.fromPhase === 'connecting.hydrating')
            Object.assign(circuit, { failures: 0, silent: 0, ...noOutcomes });
          if (event.type === 'stateChanged' && event.phase.startsWith('connecting.')) circuit.silent = 0;
          if (event.type === 'circuitChanged') yield* moved(history, circuit, event, entry);
        }
        // Whoever resets a circuit has it forget what came before, also where it was closed and nothing moves.
        if (entry.kind === 'fault' && entry.name === 'reset by hand' && entry.on)
          for (const id of entry.servers) Object.assign(circuits.get(id) ?? {}, { movedMs: entry.atMs, ...noOutcomes });
        if (entry.kind === 'over') count(history, circuits, entry);
        // By now whatever came of calls that were over at the same moment has been heard of.
        if (entry.kind === 'state') yield* overdue(history, circuits, entry);
      }
    },
  },
} satisfies Record<string, Invariant>;

const noOutcomes = { outcomes: [], doubtful: 0, tooMany: null } as const;

function freshCircuit(atMs: number): Circuit {
  return {
    movedMs: atMs,
    openings: 0,
    openMs: 0,
    failures: 0,
    silent: 0,
    ...noOutcomes,
    lostMs: -Infinity,
    goodChecks: 0,
    onProbation: false,
    state: 'closed',
  };
}

function* moved(history: History, circuit: Circuit, event: CircuitChanged, entry: Entry): Iterable<Breach> {
  const id = event.serverId;
  const { circuitBreaker } = serverOf(history.cast, id).options;
  const forMs = entry.atMs - circuit.movedMs;
  if (event.from !== circuit.state) yield breach(entry, `${id}: circuit from ${event.from}, it was ${circuit.state}`);
  if (event.to === 'open') {
    circuit.openings += 1;
    const wantedMs = Math.min(longestOpenMs, circuitBreaker.openMs * 2 ** (circuit.openings - 1));
    if (event.openMs === null || Math.abs(event.openMs - wantedMs) > 1)
      yield breach(entry, `${id}: circuit open for ${String(event.openMs)} ms, not ${wantedMs}`);
    const enough = circuit.onProbation
      ? 1
      : Math.min(circuitBreaker.failureThreshold, Math.ceil(circuitBreaker.minimumRequests / 2));
    if (event.from === 'closed' && circuit.failures < enough)
      yield breach(entry, `${id}: circuit opened after ${circuit.failures} failed calls, not ${enough}`);
    circuit.openMs = wantedMs;
  }
  if (event.from === 'open' && event.to === 'halfOpen' && forMs < circuit.openMs - 1)
    yield breach(entry, `${id}: circuit half open after ${forMs} ms of ${circuit.openMs}`);
  // A reset by hand closes it for good.
  if (event.to === 'closed' && event.onProbation && circuit.goodChecks < circuitBreaker.successThreshold)
    yield breach(entry, `${id}: circuit closed after ${circuit.goodChecks} good checks`);
  if (event.to === 'closed' && !event.onProbation) circuit.openings = 0;
  Object.assign(circuit, {
    movedMs: entry.atMs,
    failures: 0,
    silent: 0,
    ...noOutcomes,
    goodChecks: 0,
    onProbation: event.onProbation,
    state: event.to,
  });
}

/** Counts a call that is over. */
function count(
  history: History,
  circuits: ReadonlyMap<string, Circuit>,
  entry: Extract<Entry, { readonly kind: 'over' }>,
): void {
  const wire = wiresOf(history).get(entry.wire);
  if (wire === undefined) return;
  const circuit = circuits.get(wire.serverId);
  if (circuit === undefined) return;
  if (entry.how === 'lost' || entry.how === 'cancelled') circuit.failures += 1;
  if (entry.how === 'answered' || entry.how === 'refused') circuit.silent = 0;
  const row = callsOf(history).get(wire.key);
  const isSilent =
    entry.how === 'cancelled' &&
    row?.end?.code === 'CALL_TIMEOUT' &&
    row.endedMs === entry.atMs &&
    wire.atMs >= circuit.movedMs &&
    wire.standing.circuit === 'closed' &&
    stalledWithin(history, wire.atMs - 10_000, entry.atMs) === 0;
  if (isSilent && circuit.state === 'closed') circuit.silent += 1;
  countShare(history, circuit, wire, entry);
}

/** Half of enough calls failed: that opens the circuit with the last of them. */
function countShare(
  history: History,
  circuit: Circuit,
  wire: Extract<Entry, { readonly kind: 'sent' }>,
  { atMs, how }: Extract<Entry, { readonly kind: 'over' }>,
): void {
  const isPlain =
    wire.atMs >= circuit.movedMs &&
    wire.standing.circuit === 'closed' &&
    stalledWithin(history, wire.atMs - 10_000, atMs) === 0;
  if (how === 'unsent' || how === 'refused') return;
  // A server that fails under many calls at once has failed once.
  if (how === 'lost' && wire.atMs < circuit.lostMs) return;
  const isFirst = wire.atMs > circuit.lostMs;
  if (how === 'lost') circuit.lostMs = atMs;
  if (!isPlain || how === 'cancelled' || (how === 'lost' && !isFirst)) {
    circuit.doubtful += 1;
    return;
  }
  const { windowSize, minimumRequests } = serverOf(history.cast, wire.serverId).options.circuitBreaker;
  circuit.outcomes = [...circuit.outcomes, how === 'lost'].slice(-windowSize);
  const failed = circuit.outcomes.filter(Boolean).length;
  const all = circuit.outcomes.length;
  if (how === 'lost' && all >= minimumRequests && failed * 2 >= all + circuit.doubtful)
    circuit.tooMany = `${failed} of ${all} calls failed`;
}

/** The circuits that should have opened. */
function* overdue(history: History, circuits: ReadonlyMap<string, Circuit>, entry: Entry): Iterable<Breach> {
  for (const [id, circuit] of circuits) {
    const { failureThreshold } = serverOf(history.cast, id).options.circuitBreaker;
    if (circuit.state === 'closed' && circuit.silent > failureThreshold)
      yield breach(entry, `${id}: circuit closed after ${circuit.silent} calls without an answer`);
    if (circuit.state === 'closed' && circuit.tooMany !== null)
      yield breach(entry, `${id}: circuit closed, though ${circuit.tooMany}`);
  }
}

const wires = new WeakMap<History, ReadonlyMap<number, Extract<Entry, { readonly kind: 'sent' }>>>();

function wiresOf(history: History): ReadonlyMap<number, Extract<Entry, { readonly kind: 'sent' }>> {
  let known = wires.get(history);
  if (known === undefined) {
    known = new Map(history.entries.flatMap((entry) => (entry.kind === 'sent' ? [[entry.wire, entry] as const] : [])));
    wires.set(history, known);
  }
  return known;
}
