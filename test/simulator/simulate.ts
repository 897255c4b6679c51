import { createSeededRandom } from '../../src/testing/index.ts';
import { drawCast } from './cast.ts';
import { Trouble } from './faults.ts';
import { type History, isWell, type Remains, serverOf } from './history.ts';
import { type Violation, violationsOf } from './invariants.ts';
import { Stage } from './stage.ts';
import { textOf, Traffic } from './traffic.ts';

export interface SimulationOptions {
  /** How long things go wrong and are calm afterwards, in simulated minutes; recovery may take longer. Default 10. */
  readonly minutes?: number | undefined;
  /** Told of each line of the trace. */
  readonly onLine?: ((line: string) => void) | undefined;
}

/** What came of one seed. */
export interface SimulationReport {
  readonly seed: number;
  readonly hash: string;
  readonly violations: readonly Violation[];
  readonly simulatedMs: number;
  readonly events: number;
  readonly calls: number;
  /** How often each kind of fault happened. */
  readonly faults: Readonly<Record<string, number>>;
}

const minute = 60_000;
const calmMs = 2 * minute;
/** The longest of all waits that a session may have to sit out: a circuit that opened again and again. */
const longestRecoveryMs = 6 * minute;
const closingMs = minute;
const lookMs = 10;

/** Runs one seed: faults, then calm, in which everything has to recover, then the end, which has to leave nothing. */
export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  const { history, stage, trouble, traffic } = await play(seed, options);
  return {
    seed,
    hash: stage.recorder.traceHash,
    violations: violationsOf(history),
    simulatedMs: stage.clock.monotonic(),
    events: history.entries.filter(({ kind }) => kind === 'event').length,
    calls: traffic.made,
    faults: trouble.counts,
  };
}

async function play(seed: number, { minutes = 10, onLine }: SimulationOptions) {
  const random = createSeededRandom(seed);
  const cast = drawCast(random.fork('cast'));
  const stage = new Stage(cast, random.fork('stage'));
  stage.recorder.onLine = onLine;
  const trouble = new Trouble(stage, random.fork('trouble'));
  const traffic = new Traffic(stage, random.fork('traffic'));
  const stopWatching = watchProcess(stage);
  let remains: Remains = { closed: false, pendingTimers: 0, liveLinks: 0, pendingCalls: 0 };
  try {
    await begin(stage);
    await rage(stage, trouble, traffic, Math.max(minutes * minute - calmMs, minute));
    await recover(stage, traffic);
    remains = await end(stage, traffic, random.fork('end').pick([0, 1_500, 30_000]));
  } catch (error) {
    // What was seen until then says more than the error alone.
    stage.recorder.note({ kind: 'uncaught', text: textOf(error) });
  } finally {
    stopWatching();
  }
  const history: History = { cast, entries: stage.recorder.entries, remains };
  return { history, stage, trouble, traffic };
}

async function begin(stage: Stage): Promise<void> {
  for (const server of stage.cast.servers) await stage.add(server);
  for (const { id, members } of stage.cast.groups) {
    const [primary = '', ...backups] = members;
    stage.manager.addGroup(id, { primary, backups });
  }
  await stage.clock.advance(5_000);
  stage.look();
}

/** Calls and faults, for so long. */
async function rage(stage: Stage, trouble: Trouble, traffic: Traffic, forMs: number): Promise<void> {
  const { clock } = stage;
  const untilMs = clock.monotonic() + forMs;
  let nextFaultMs = clock.monotonic() + trouble.gapMs;
  let nextCallMs = clock.monotonic() + traffic.gapMs;
  while (clock.monotonic() < untilMs) {
    await advanceTo(stage, Math.min(nextCallMs, nextFaultMs, trouble.nextEndMs ?? Infinity));
    const nowMs = clock.monotonic();
    if (nowMs >= (trouble.nextEndMs ?? Infinity)) await trouble.end('over');
    if (nowMs >= nextFaultMs) {
      await trouble.begin();
      nextFaultMs = clock.monotonic() + trouble.gapMs;
    }
    if (nowMs >= nextCallMs) {
      traffic.call();
      nextCallMs = clock.monotonic() + traffic.gapMs;
    }
    await clock.settle();
    stage.look();
  }
  await trouble.end('all');
}

/** Calls alone, until everything is well again and has been for a while, or should have been. */
async function recover(stage: Stage, traffic: Traffic): Promise<void> {
  const { clock, manager, recorder } = stage;
  recorder.note({ kind: 'calm', sessions: manager.listSessions() });
  const beganMs = clock.monotonic();
  let nextCallMs = beganMs;
  for (;;) {
    const isCalm = manager.listSessions().every((info) => isWell(serverOf(stage.cast, info.id), info));
    const calmForMs = clock.monotonic() - beganMs;
    if ((calmForMs >= calmMs && isCalm) || calmForMs >= longestRecoveryMs) return;
    await advanceTo(stage, nextCallMs);
    traffic.call();
    nextCallMs = clock.monotonic() + traffic.gapMs;
    await clock.settle();
    stage.look();
  }
}

/** Closes everything, and looks at what is left at that moment; then lets a minute pass in which nothing may happen any more. */
async function end(stage: Stage, traffic: Traffic, drainMs: number): Promise<Remains> {
  const { clock, manager, recorder } = stage;
  traffic.call();
  await clock.settle();
  recorder.note({ kind: 'stop' });
  const closing = { closed: false };
  void manager.close({ drainMs }).then(() => {
    closing.closed = true;
  });
  traffic.call();
  for (let waitedMs = 0; !closing.closed && waitedMs < closingMs; waitedMs += lookMs) await clock.advance(lookMs);
  const liveLinks = stage.servers.all().reduce((sum, server) => sum + server.liveLinks, 0);
  const remains = { ...closing, pendingTimers: clock.pendingTimers, liveLinks, pendingCalls: traffic.pending };
  await clock.advance(closingMs);
  stage.look();
  return remains;
}

async function advanceTo({ clock }: Stage, atMs: number): Promise<void> {
  await clock.advance(Math.max(0, atMs - clock.monotonic()));
}

/** Notes what nobody caught; returns the way to stop. */
function watchProcess({ recorder }: Stage): () => void {
  const note = (error: unknown): void => {
    recorder.note({ kind: 'uncaught', text: textOf(error) });
  };
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  return () => {
    process.off('uncaughtException', note);
    process.off('unhandledRejection', note);
  };
}
