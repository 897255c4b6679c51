import { inspect } from 'node:util';
import {
  type Clock,
  custom,
  http,
  type Logger,
  once,
  SessionManager,
  type ServerTarget,
  stdio,
} from '../../src/index.ts';
import { createConnectLimiter } from '../../src/host/connect-limiter.ts';
import {
  createSimulatedServers,
  createVirtualClock,
  type SeededRandom,
  type SimulatedBehaviour,
  type SimulatedServer,
  type SimulatedServers,
  type VirtualClock,
} from '../../src/testing/index.ts';
import { soundBehaviour } from './cast.ts';
import { type Cast, type CastServer, type Held, serverOf, type Standing } from './history.ts';
import { RecordedLinks } from './recorded-links.ts';
import { Recorder } from './recorder.ts';

/** A real manager on virtual time among the simulated servers of a cast, with all that happens written down. */
export class Stage {
  readonly cast: Cast;
  readonly clock: VirtualClock = createVirtualClock();
  readonly servers: SimulatedServers;
  readonly recorder: Recorder;
  readonly links: RecordedLinks;
  readonly manager: SessionManager;
  /** Servers that something is wrong with. */
  readonly troubled = new Set<string>();
  /** A server that more calls than usual are made to. */
  favourite: string | null = null;
  /** Groups by the keys of the calls that were made to them. */
  readonly groupOfKey = new Map<string, string>();
  readonly #sound = new Map<string, Partial<SimulatedBehaviour>>();
  /** XState's own timers of these delays cannot be set, once each. */
  readonly #broken = new Set<number>();
  /** The parts of ours that get no timer and no chance, once each. */
  readonly #failing = new Set<Failing>();

  constructor(cast: Cast, random: SeededRandom) {
    this.cast = cast;
    const { clock } = this;
    this.servers = createSimulatedServers(clock);
    this.recorder = new Recorder(clock, () => this.servers.all());
    this.links = new RecordedLinks(this.servers, this.recorder, {
      standing: (id) => this.#standing(id),
      better: (id, key) => this.#better(id, key),
      isLastResort: (key) => this.groupOfKey.has(key) && this.#membersOf(key).every(({ admits }) => !admits),
    });
    for (const server of cast.servers) {
      const sound = soundBehaviour(server, random.fork(server.id));
      this.#sound.set(server.id, sound);
      this.servers.server(server.id, sound);
    }
    this.manager = new SessionManager(
      { maxConnections: cast.servers.length },
      {
        clock: this.#seenClock(),
        random: this.#seenRandom(random.fork('manager')),
        links: this.links.links,
        connectLimiter: createConnectLimiter({ clock, perSecond: 10 }),
        logger: this.#logger(),
      },
    );
    this.manager.events$.subscribe((event) => {
      if (event.type === 'sessionCrashed' && this.#failing.delete('manager')) this.breakTimer(event.restartMs);
      const from = event.type === 'failedOver' || event.type === 'failedBack' ? event.from : undefined;
      const linked =
        from !== undefined && this.#standing(from).phase.startsWith('connected.') && this.links.isOpen(from);
      this.recorder.note({ kind: 'event', event, linked });
    });
  }

  server(id: string): SimulatedServer {
    return this.servers.server(id);
  }

  optionsOf(id: string): Held {
    return serverOf(this.cast, id).options;
  }

  /** What the server's faults say of it: a careless one names the credentials that it was given. */
  wordsOf(id: string, what: string): string {
    const secret = this.cast.servers.find((each) => each.id === id)?.secret ?? null;
    return secret === null ? what : `${what} (authorization: Bearer ${secret})`;
  }

  /** Adds a server of the cast; it keeps trying from here on. */
  async add(server: CastServer): Promise<void> {
    const elicit = (): Promise<Record<string, unknown>> =>
      new Promise((resolve) => {
        this.clock.arrive(() => {
          resolve({ action: 'accept', content: {} });
        }, personMs);
      });
    await this.manager.addServer(server.id, targetOf(server), { ...server.options, handlers: { elicit } });
  }

  /** Nothing is wrong with the server any more. */
  mend(id: string): void {
    const { pid: _pid, ...sound } = this.#sound.get(id) ?? {};
    const server = this.server(id);
    Object.assign(server, { ...wellBehaved, ...sound });
    server.decongest();
    server.resume();
  }

  /** The next timer of this delay that a statechart sets is an exception. */
  breakTimer(delayMs: number): void {
    this.#broken.add(delayMs);
  }

  /**
   * The next time that this actor has to do what can fail, it does: the ticker when it is told of a check that is due, a group
   * when it plans to fail back, a manager when it is to start a session anew that crashed.
   */
  breakActor(actor: Failing): void {
    this.#failing.add(actor);
  }

  mendTimers(): void {
    this.#broken.clear();
    this.#failing.clear();
  }

  /** Writes the state of everything down. */
  look(): void {
    this.recorder.note({ kind: 'state', sessions: this.manager.listSessions() });
  }

  #standing(id: string): Standing {
    const info = this.manager.getSessionInfo(id);
    return info === undefined ? { phase: 'closed', circuit: 'closed' } : { phase: info.phase, circuit: info.circuit };
  }

  #membersOf(key: string): readonly { readonly id: string; readonly admits: boolean }[] {
    const group = this.cast.groups.find(({ id }) => id === this.groupOfKey.get(key));
    return (group?.members ?? []).map((id) => ({ id, admits: this.#admits(id) }));
  }

  #better(id: string, key: string): string | null {
    if (!this.groupOfKey.has(key) || this.#admits(id)) return null;
    return this.#membersOf(key).find(({ admits }) => admits)?.id ?? null;
  }

  /** By what is told of it, not by what the manager decides. */
  #admits(id: string): boolean {
    const { phase, circuit } = this.#standing(id);
    return (
      (phase === 'connected.healthy' || phase === 'connected.degraded') && circuit === 'closed' && this.links.isOpen(id)
    );
  }

  #seenClock(): Clock {
    const { clock } = this;
    return {
      wall: () => clock.wall(),
      monotonic: () => clock.monotonic(),
      setTimeout: (callback, delayMs) => {
        if (this.#broken.has(delayMs) && isOfStatechart()) {
          this.#broken.delete(delayMs);
          throw new Error('no timer');
        }
        if (this.#failing.has('ticker') && isTickerBeingTold()) {
          this.#failing.delete('ticker');
          throw new Error('no timer');
        }
        return clock.setTimeout(callback, delayMs);
      },
      clearTimeout: (id) => {
        clock.clearTimeout(id);
      },
      nextMacrotask: (callback) => {
        clock.nextMacrotask(callback);
      },
      loopLag: () => clock.loopLag(),
    };
  }

  #seenRandom(random: SeededRandom): () => number {
    return () => {
      if (this.#failing.has('group') && stackHere().includes('/group-setup.')) {
        this.#failing.delete('group');
        throw new Error('no chance');
      }
      return random.next();
    };
  }

  #logger(): Logger {
    const note = (fields: object, message: string): void => {
      this.recorder.note({ kind: 'log', text: `${message} ${inspect(fields, { depth: 6 })}` });
    };
    return { debug: note, info: note, warn: note, error: note };
  }
}

const noTransport = { start: () => Promise.resolve(), send: () => Promise.resolve(), close: () => Promise.resolve() };

/** What every tool returns. */
export function echo(args: unknown): Record<string, unknown> {
  return { content: [{ type: 'text', text: JSON.stringify(args) }] };
}

/** How long a person takes to answer. */
export const personMs = 15_000;

const wellBehaved: Partial<SimulatedBehaviour> = {
  onCall: (_name, args) => echo(args),
  refuse: null,
  answersInitialize: true,
  answersPing: true,
  answersCalls: true,
  turnsAway: null,
  losesReplies: null,
  capabilities: { tools: {} },
  era: 'legacy',
  version: '1.0.0',
};

/** An actor of ours that can be made to crash. */
type Failing = 'ticker' | 'group' | 'manager';

function stackHere(): string {
  return new Error('whose').stack ?? '';
}

function isOfStatechart(): boolean {
  return stackHere().includes('/xstate/');
}

/** Told, and not at work: what it does by itself no statechart watches. */
function isTickerBeingTold(): boolean {
  const stack = stackHere();
  return stack.includes('/health-ticker.') && !stack.includes('at turn ');
}

function targetOf({ id, kind, secret }: CastServer): ServerTarget {
  switch (kind) {
    case 'http':
      return http({ url: `https://${id}.example/mcp`, headers: { Authorization: `Bearer ${secret ?? ''}` } });
    case 'stdio':
      return stdio({ command: id });
    case 'custom':
      return custom(() => Promise.reject(new Error('there is no transport in a simulation')));
    case 'once':
      return once(noTransport);
  }
}
