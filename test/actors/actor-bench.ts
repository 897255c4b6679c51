import assert from 'node:assert/strict';
import { afterEach } from 'vitest';
import {
  type AnyActorLogic,
  type AnyEventObject,
  assign,
  createActor,
  createMachine,
  type EventFromLogic,
  type InputFrom,
  stopChild,
} from 'xstate';
import { LinkLease, type LinkOwner } from '../../src/actors/link-lease.ts';
import type { SessionIo } from '../../src/actors/session-io.ts';
import type { Link, LinkEvent } from '../../src/link/link.ts';
import {
  createSimulatedServers,
  createVirtualClock,
  type SimulatedServer,
  type SimulatedServers,
  type VirtualClock,
} from '../../src/testing/index.ts';

/** Somebody who has a link and does this with what is heard of it. */
export function owner(
  hear: (event: LinkEvent) => unknown = () => undefined,
  letGo: () => void = () => undefined,
): LinkOwner {
  return { hear, letGo };
}

/** An actor that is run alone. */
export interface RunningActor<L extends AnyActorLogic> {
  send(event: EventFromLogic<L>): void;
  stop(): void;
}

interface Start {
  readonly type: 'bench.start';
  readonly id: string;
  readonly logic: AnyActorLogic;
  readonly input: unknown;
}

/** One server's record, over a simulated server, with all that is noted in it. */
export interface RecordedIo extends SessionIo {
  readonly server: SimulatedServer;
  /** What was noted, and what the link's own events were when a test opened it itself. */
  readonly notes: unknown[];
}

/** Runs actors' logic alone: their parent is the test. */
export class ActorBench {
  readonly clock: VirtualClock = createVirtualClock();
  readonly servers: SimulatedServers = createSimulatedServers(this.clock);
  /** What the actors sent to their parent, in order. */
  readonly heard: unknown[] = [];
  /** Called with each of them when it comes. */
  onHeard: (event: unknown) => void = () => undefined;
  readonly #parent = createActor(
    createMachine({
      types: {} as { events: AnyEventObject },
      on: {
        'bench.start': {
          actions: assign(({ event, spawn }) => {
            const { logic, id, input } = event as Start;
            spawn(logic, { id, input });
            return {};
          }),
        },
        'bench.stop': { actions: stopChild(({ event }) => event['id'] as string) },
        '*': {
          actions: ({ event }) => {
            this.heard.push(event);
            this.onHeard(event);
          },
        },
      },
    }),
  ).start();
  #started = 0;
  readonly #records = new Map<string, RecordedIo>();

  readonly find = (id: string): SessionIo | undefined => this.#records.get(id);

  start<L extends AnyActorLogic>(logic: L, input: InputFrom<L>): RunningActor<L> {
    this.#started += 1;
    const id = `actor ${this.#started}`;
    this.#parent.send({ type: 'bench.start', id, logic, input } satisfies Start);
    return {
      send: (event) => {
        this.#parent.getSnapshot().children[id]?.send(event);
      },
      stop: () => {
        this.#parent.send({ type: 'bench.stop', id });
      },
    };
  }

  record(id = 'weather', { probeTimeoutMs = 5_000, origin = null as string | null } = {}): RecordedIo {
    const notes: unknown[] = [];
    const record: RecordedIo = {
      id,
      server: this.servers.server(id),
      notes,
      lease: this.lease(id),
      origin,
      probeTimeoutMs,
      meanLatencyMs: 77,
      holdPermit: () => notes.push('permit held'),
      noteLatency: (ms) => {
        notes.push(`latency ${ms}`);
        return ms / 2;
      },
      noteTools: (generation, tools) => notes.push({ generation, tools }),
      noteAsking: (generation, people) => notes.push({ generation, people }),
      noteNotification: (generation, method, params) => notes.push({ generation, method, params }),
      noteStderr: (generation, line) => notes.push({ generation, line }),
      noteFault: (generation, fault) => notes.push({ generation, fault }),
    };
    this.#records.set(id, record);
    return record;
  }

  lease(id = 'weather'): LinkLease {
    return new LinkLease(this.clock, {
      openLink: (generation, onEvent) => this.openLink(id, generation, onEvent),
    });
  }

  openLink(id: string, generation: number, onEvent: (event: LinkEvent) => void): Link {
    const target = { kind: 'custom', factory: () => Promise.reject(new Error('simulated')) } as const;
    const clientInfo = { name: 'test', version: '0' };
    return this.servers
      .links(target)
      .open({ serverId: id, generation, target, clientInfo, handlers: undefined, onEvent });
  }

  stop(): void {
    this.#parent.stop();
    assert.equal(this.clock.pendingTimers, 0);
  }
}

/** Makes benches for the tests of a file. After each test their actors are stopped, and no timer may be left. */
export function actorBenches(): () => ActorBench {
  const made: ActorBench[] = [];
  afterEach(() => {
    for (const bench of made.splice(0)) bench.stop();
  });
  return () => {
    const bench = new ActorBench();
    made.push(bench);
    return bench;
  };
}
