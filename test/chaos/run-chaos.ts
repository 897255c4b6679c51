import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSeededRandom, startLeakCheck } from '../../src/testing/index.ts';
import { eventually } from '../support/eventually.ts';
import { ProcessTroubles } from '../support/process-troubles.ts';
import { processesMarked } from '../support/processes.ts';
import { CallLedger } from './call-ledger.ts';
import { callTimeoutMs, createCast, type Cast } from './cast.ts';
import type { ChaosOptions } from './chaos-options.ts';
import type { ChaosReport } from './chaos-report.ts';
import { markName, type Surroundings } from './chaos-servers.ts';
import { checkCalls, type CallFindings } from './check-calls.ts';
import { Director } from './director.ts';
import { EventWatch } from './event-watch.ts';
import { FaultPlan } from './fault-plan.ts';
import { MemoryWatch } from './memory-watch.ts';
import { Traffic } from './traffic.ts';

/** After the last fault every session has to be healthy within that. */
const calmMs = 60_000;

/**
 * Real servers, real faults: opens the sessions, has calls made and things go wrong for a while, waits until every session is
 * healthy, closes everything, and holds what was told against what happened.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  options.onProgress(`opening ${options.sessions} sessions`);
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-chaos-'));
  const log = join(folder, 'executions.log');
  writeFileSync(log, '');
  const mark = randomUUID();
  const troubles = new ProcessTroubles();
  const leaks = startLeakCheck({ settleMs: 10_000 });
  const director = await Director.open(folder);
  try {
    const play = await perform(options, { director, log, mark });
    const orphans = killMarked(mark);
    director.close();
    troubles.stop();
    const left = await leaks.verify().then(
      () => [],
      (error: unknown) => [String(error)],
    );
    if (options.plant === 'double') plantDouble(log);
    const calls = checkCalls(play.ledger.records(), readFileSync(log, 'utf8'), latestEndMs(play.plan));
    const around = [
      ...director.overlaps.map((what) => `two processes of one server at once: ${what}`),
      ...(orphans === 0 ? [] : [`${orphans} processes were left behind`]),
      ...left,
      ...troubles.seen.map((what) => `this process: ${what}`),
    ];
    return reportOf(options, play, { calls, orphans, around, processes: director.introductions });
  } finally {
    director.close();
    troubles.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All that took part in a run that is over, with what they noted down. */
interface Play {
  readonly groups: number;
  readonly ledger: CallLedger;
  readonly events: EventWatch;
  readonly plan: FaultPlan;
  readonly traffic: Traffic;
  readonly memory: MemoryWatch;
  /** Sessions that had not recovered when they had to. */
  readonly unrecovered: readonly string[];
}

/** From the first connection until everything is closed, which it is whatever happens. */
async function perform(options: ChaosOptions, surroundings: Surroundings): Promise<Play> {
  const { minutes, seed, sessions, callsPerSecond, plant, onProgress } = options;
  const cast = await createCast(sessions, surroundings);
  const random = createSeededRandom(seed);
  const ledger = new CallLedger(Math.ceil((minutes * 60 + 180) * callsPerSecond));
  const events = new EventWatch(cast.manager, plant === 'leak');
  const plan = new FaultPlan({ cast, director: surroundings.director, events, random: random.fork('faults') });
  const traffic = new Traffic(ledger, random.fork('calls'), callersOf(cast), callsPerSecond);
  const memory = new MemoryWatch();
  try {
    await plan.run(options, onProgress);
    memory.stop();
    onProgress('the faults are over');
    const unrecovered = await missingAfterCalm(cast);
    await traffic.stop(callTimeoutMs * 5);
    events.compare(cast.manager.listSessions());
    onProgress('closing');
    await cast.manager.close();
    return { groups: cast.groups.size, ledger, events, plan, traffic, memory, unrecovered };
  } finally {
    memory.stop();
    plan.close();
    await traffic.stop(0);
    await cast.close();
    events.stop();
  }
}

interface Findings {
  readonly calls: CallFindings;
  readonly orphans: number;
  readonly processes: number;
  /** What was wrong beside calls and sessions. */
  readonly around: readonly string[];
}

function reportOf(options: ChaosOptions, play: Play, { calls, orphans, around, processes }: Findings): ChaosReport {
  const { ledger, events, plan, traffic } = play;
  const memory = play.memory.trend();
  return {
    minutes: options.minutes,
    seed: options.seed,
    sessions: options.sessions,
    groups: play.groups,
    faults: plan.count,
    kinds: plan.kinds,
    processes,
    calls: ledger.count,
    ends: calls.ends,
    codes: Object.fromEntries(ledger.codes),
    answered: { sessions: traffic.sessions, groups: traffic.groups },
    longestCallMs: Math.round(calls.longestMs),
    longestStallMs: Math.round(plan.longestStallMs),
    doubleExecutions: calls.doubleExecutions,
    lostCalls: calls.lostCalls,
    orphans,
    events: events.count,
    violations: [
      ...calls.violations,
      ...ledger.untyped.map((error) => `a call threw ${error}`),
      ...plan.tallies.failures,
      ...play.unrecovered,
      ...events.violations,
      ...around,
      ...(memory.isLeak ? ['the heap grows'] : []),
    ],
    perKind: plan.tallies.perKind(),
    memory,
  };
}

function callersOf({ manager, pairs, groups }: Cast): ConstructorParameters<typeof Traffic>[2] {
  return { sessions: pairs.map(({ session }) => session), groups: [...groups.keys()].map((id) => manager.group(id)) };
}

/** One sentence for each session that is not healthy when the time for that is over. */
async function missingAfterCalm({ manager, pairs }: Cast): Promise<string[]> {
  const areHealthy = (): boolean => manager.sessionStats().healthy === pairs.length;
  await eventually(areHealthy, { timeoutMs: calmMs, everyMs: 50 }).catch(() => undefined);
  return manager
    .listSessions()
    .filter(({ state }) => state !== 'healthy')
    .map(({ id, state, phase, reason }) => `${id} is ${state} (${phase}) after the calm: ${reason}`);
}

/** How many processes of servers run though all is closed; they are ended. */
function killMarked(mark: string): number {
  const orphans = processesMarked(`${markName}=${mark}`);
  for (const pid of orphans) process.kill(pid, 'SIGKILL');
  return orphans.length;
}

/** A call may end that late: stalls of this process are no time of a call. */
function latestEndMs({ longestStallMs }: FaultPlan): number {
  return callTimeoutMs + 1_000 + 2 * longestStallMs;
}

function plantDouble(log: string): void {
  const [first] = readFileSync(log, 'utf8').match(/^c\d+ write/m) ?? [];
  if (first !== undefined) appendFileSync(log, `${first} planted\n`);
}
