import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import {
  isHoldfastError,
  SessionManager,
  stdio,
  type HoldfastError,
  type ManagerConfig,
  type ManagerEvent,
  type ManagerPorts,
  type Phase,
  type ServerOptions,
  type ServerTarget,
  type Session,
  type SessionEvent,
} from '../../src/index.ts';
import { startLeakCheck, type LeakCheck } from '../../src/testing/index.ts';
import { eventually } from '../support/eventually.ts';
import { ProcessTroubles } from '../support/process-troubles.ts';
import { processesMarked } from '../support/processes.ts';

const root = join(import.meta.dirname, '..', '..');
const faultServer = join(root, 'test', 'fixtures', 'stdio-server.mjs');
const markName = 'HOLDFAST_E2E';

/** Long enough for any machine: what is waited for comes, or the test has failed. */
const patienceMs = 60_000;

/** Everything here may take as long as the machine needs. */
export const unhurried = { timeout: 120_000 };

/** Reconnects at once and takes no number of exits for a crash loop: for tests that kill again and again. */
export const untiring = { reconnect: { delayMs: 50, maxDelayMs: 50, multiplier: 1, crashLoopExits: 1_000 } } as const;

/** The connection of a server to its first healthy moment, from `addServer` on. */
export const firstConnection = [
  '0 serverAdded',
  '0 connecting.waiting',
  '1 connecting.opening',
  '1 connecting.verifying',
  '1 check ok',
  '1 connecting.hydrating',
  '1 catalogChanged',
  '1 connected.healthy',
];

/** From the loss of generation `lost` to the first healthy moment of the next one; it is the `attempt`-th retry in a row. */
export const recovery = (lost: number, attempt: number): string[] => [
  `${lost} releasing`,
  `${lost} attempt ${attempt} scheduled`,
  `${lost} disconnected.backingOff`,
  `${lost} connecting.waiting`,
  ...secondConnection(lost + 1),
];

/** A later connection, whose server offers what it offered before. */
export const secondConnection = (generation: number): string[] => [
  `${generation} connecting.opening`,
  `${generation} connecting.verifying`,
  `${generation} check ok`,
  `${generation} connecting.hydrating`,
  `${generation} connected.healthy`,
];

/** The same connections to a server that is of another version each time. */
export const ofAnotherVersion = (connections: readonly string[]): string[] =>
  connections.flatMap((line) =>
    line.endsWith(' connecting.verifying') ? [line, `${Number.parseInt(line, 10)} serverChanged`] : [line],
  );

const stages: Stage[] = [];
let leaks: LeakCheck | undefined;

beforeEach(() => {
  leaks = startLeakCheck({ settleMs: 10_000 });
});

afterEach(async () => {
  for (const stage of stages.splice(0)) await stage.end();
  await leaks?.verify();
}, patienceMs);

/**
 * A manager with its default ports, real servers, and everything that it told. Whatever test uses one ends with the proof
 * that no process of its servers is left, that no two generations of a server ran at the same time, that its events were
 * gap-free and continuous, and that this process had nothing to complain of: no error uncaught, no rejection unhandled, no warning.
 */
export class Stage {
  readonly manager: SessionManager;
  readonly events: ManagerEvent[] = [];
  /** A directory of its own; gone after the test. */
  readonly directory = mkdtempSync(join(tmpdir(), 'holdfast-e2e-'));
  readonly #mark = randomUUID();
  readonly #overlaps: string[] = [];
  readonly #troubles = new ProcessTroubles();

  constructor(config: Partial<ManagerConfig> = {}, ports: Partial<ManagerPorts> = {}) {
    this.manager = new SessionManager(config, ports);
    this.manager.events$.subscribe((event) => {
      this.events.push(event);
      this.#lookForOverlap(event);
    });
    stages.push(this);
  }

  /** The fault server, with its faults as on its command line. */
  server(id: string, ...faults: string[]): ServerTarget {
    return this.command(id, process.execPath, this.#faultArgs(id, faults));
  }

  /** The same behind a shell that waits for it, as `npx` and its like do. */
  serverBehindShell(id: string, ...faults: string[]): ServerTarget {
    return this.command(id, '/bin/sh', ['-c', '"$0" "$@"; true', process.execPath, ...this.#faultArgs(id, faults)]);
  }

  /** A published server, from this repository's `node_modules`. */
  published(
    id: string,
    name: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): ServerTarget {
    const script = join(root, 'node_modules', '@modelcontextprotocol', name, 'dist', 'index.js');
    return this.command(id, process.execPath, [script, ...args], env);
  }

  /** Any command. Its processes, and theirs, are recognised by a mark in their environment, whatever group they are in. */
  command(
    id: string,
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    cwd?: string,
  ): ServerTarget {
    return stdio({ command, args, cwd, env: { ...env, [markName]: `${this.#mark}/${id}` } });
  }

  add(id: string, target: ServerTarget, options: ServerOptions = {}): Promise<Session> {
    return this.manager.addServer(id, target, options);
  }

  /** What the fault server wrote to its log, over all its lives: `start <pid>`, `call <tool> <id>`, … */
  log(id: string): string[] {
    try {
      return readFileSync(this.#logFile(id), 'utf8').trimEnd().split('\n');
    } catch {
      return []; // It has not come to its first line.
    }
  }

  /** Ids of the processes of this server that run, and of those that they started. Without an id, of all servers. */
  processes(id?: string): number[] {
    const mark = `${markName}=${this.#mark}/${id === undefined ? '' : `${id}\0`}`;
    return processesMarked(mark);
  }

  /**
   * Everything about one server in order, as `<generation> <what>`; phases by their names. Ticks are left out, and checks that
   * told nothing since this machine was too busy. `from` is a `seq`: nothing before it is told.
   */
  story(id: string, from = 0): string[] {
    return this.events
      .filter((event) => event.serverId === id && event.seq >= from)
      .flatMap((event) => told(event).map((what) => `${event.generation} ${what}`));
  }

  /** The `seq` of the event that comes next. */
  get now(): number {
    return this.events.length + 1;
  }

  /** Waits for the first event, past or to come, for which this holds. */
  async until<Found extends ManagerEvent>(
    what: string,
    matches: (event: ManagerEvent) => event is Found,
  ): Promise<Found> {
    try {
      await eventually(() => this.events.some(matches), { timeoutMs: patienceMs, what });
    } catch (error) {
      const all = this.events.flatMap((event) =>
        told(event).map((fact) => `${event.serverId} ${event.generation} ${fact}`),
      );
      throw new Error(`${what} never came after:\n${all.join('\n')}`, { cause: error });
    }
    const found = this.events.find(matches);
    if (found === undefined) throw new Error(`${what} is gone`);
    return found;
  }

  /** Waits until this server has entered the phase, in a generation if one is given. */
  reaches(id: string, phase: Phase, generation?: number): Promise<Extract<SessionEvent, { type: 'stateChanged' }>> {
    return this.until(
      `${id} ${generation ?? ''} ${phase}`,
      (event): event is Extract<SessionEvent, { type: 'stateChanged' }> =>
        event.type === 'stateChanged' &&
        event.serverId === id &&
        event.phase === phase &&
        (generation === undefined || event.generation === generation),
    );
  }

  /** Closes the manager; at the moment when that is done, nothing is left. */
  async close(options?: { drainMs?: number }): Promise<void> {
    await this.manager.close(options);
    expect(this.processes()).toEqual([]);
  }

  async end(): Promise<void> {
    await this.manager.close({ drainMs: 0 });
    this.#troubles.stop();
    const left = this.processes();
    for (const pid of left) process.kill(pid, 'SIGKILL');
    rmSync(this.directory, { recursive: true });
    expect(left, 'processes left behind').toEqual([]);
    expect(this.#overlaps, 'processes of an earlier generation').toEqual([]);
    expect(this.#troubles.seen, 'troubles of the process').toEqual([]);
    expect(this.events.map(({ seq }) => seq)).toEqual(this.events.map((_, index) => index + 1));
    expectContinuity(this.events);
  }

  /** Wherever a session has let go of its link, nothing of that link may run any more. */
  #lookForOverlap(event: ManagerEvent): void {
    if (event.type !== 'stateChanged') return;
    const { serverId, generation, phase, fromPhase } = event;
    if (phase !== 'connecting.waiting' && phase !== 'closed' && fromPhase !== 'releasing') return;
    const running = this.processes(serverId);
    if (running.length > 0) this.#overlaps.push(`${serverId} ${generation} ${phase}: ${running.join()}`);
  }

  #faultArgs(id: string, faults: readonly string[]): string[] {
    return [faultServer, `fault=${faults.join()}`, `log=${this.#logFile(id)}`];
  }

  #logFile(id: string): string {
    return join(this.directory, `${id}.log`);
  }
}

function told(event: ManagerEvent): string[] {
  switch (event.type) {
    case 'stateChanged':
      return [event.phase];
    case 'healthTicked':
      return [];
    case 'healthChecked':
      if (event.void) return [];
      return [event.ok ? 'check ok' : `check failed: ${event.error?.code}`];
    case 'reconnectScheduled':
      return [`attempt ${event.attempt} scheduled`];
    case 'linkFault':
      return [`linkFault ${event.error.code}`];
    case 'sessionCrashed':
      return [`sessionCrashed ${event.error.code}`];
    case 'sessionLost':
      return [`sessionLost ${event.code}`];
    case 'circuitChanged':
      return [`circuit ${event.to}`];
    case 'serverAdded':
    case 'serverRemoved':
    case 'authRequired':
    case 'linkLeaked':
    case 'resultUnchecked':
    case 'resourceUpdated':
    case 'wishRefused':
    case 'serverChanged':
    case 'catalogChanged':
    case 'toolChanged':
    case 'groupAdded':
    case 'groupRemoved':
    case 'groupUnavailable':
    case 'groupAvailable':
    case 'memberChanged':
    case 'failbackScheduled':
    case 'failbackCancelled':
    case 'groupCrashed':
      return [event.type];
    case 'failedOver':
    case 'failedBack':
      return [`${event.type} ${event.from} > ${event.to}`];
  }
}

/** Replaying the events gives the present state: each begins where the one before it ended, and no generation is left out. */
function expectContinuity(events: readonly ManagerEvent[]): void {
  const last = new Map<string, { phase: Phase; generation: number }>();
  for (const event of events) {
    if (event.type === 'serverAdded') last.set(event.serverId, { phase: 'idle', generation: 0 });
    if (event.type !== 'stateChanged') continue;
    const before = last.get(event.serverId);
    const begins = event.phase === 'connecting.opening' ? 1 : 0;
    expect({ phase: event.fromPhase, generation: event.generation - begins }).toEqual(before);
    last.set(event.serverId, { phase: event.phase, generation: event.generation });
  }
}

/** The error that the promise rejects with, as plain data without its message, whose words have tests of their own. */
export async function failureOf(promise: Promise<unknown>): Promise<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(await errorOf(promise)));
}

/** The error that the promise rejects with, which must be one of holdfast's own. */
export async function errorOf(promise: Promise<unknown>): Promise<HoldfastError> {
  const error = await promise.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (!isHoldfastError(error)) throw error;
  return error;
}

/** The process of a session, which must have one: what is to be killed must not be 0, which would be ourselves. */
export function pidOf(session: Session): number {
  const { pid, phase } = session.info;
  if (pid === null) throw new Error(`${session.id} has no process in ${phase}`);
  return pid;
}

/** What a tool of the fault server answered. */
export async function textOf(call: Promise<{ readonly content: readonly unknown[] }>): Promise<string> {
  const { content } = await call;
  const [block] = content as readonly [{ readonly text: string }];
  return block.text;
}

/** Process ids as the fault server itself knows them. */
export async function askPids(session: Session): Promise<{ pid: number; grandchild: number | null }> {
  return JSON.parse(await textOf(session.callTool('pid'))) as { pid: number; grandchild: number | null };
}
