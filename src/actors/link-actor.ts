import { fromCallback } from 'xstate';
import type { LinkEvent } from '../link/link.ts';
import type { LinkCommand, SessionMachineEvent } from '../machines/session-events.ts';
import type { GenerationInput } from '../machines/session-world.ts';
import type { FanOut } from './fan-out.ts';
import type { LinkOwner } from './link-lease.ts';
import { startProbe } from './link-probe.ts';
import type { Clock } from './ports.ts';
import type { FindSession, SessionIo } from './session-io.ts';
import { ToolLister, toolsChanged } from './tool-lister.ts';

/** A link that complains all the time is heard once in this time: each complaint asks for a check. */
const faultEveryMs = 1_000;

/**
 * The session's hands: opens the link of one generation, checks it and lists its tools when asked, tells the session what
 * becomes of it, and lets it go when told to. One check at a time: asked again meanwhile, both askers read the one result.
 * When the server says that its tools changed they are listed anew, which is the record's business and not the session's.
 *
 * Being stopped does not end the link: the lease holds it, and only a release ends it.
 */
export function linkLogic(find: FindSession, clock: Clock, fanOut: FanOut) {
  const around = { clock, fanOut };
  return fromCallback<LinkCommand, GenerationInput>(({ input, sendBack, receive }) => {
    const io = find(input.id);
    if (io === undefined) return undefined;
    const hands = new LinkHands(io, input.generation, sendBack, around);
    receive((command) => {
      hands.obey(command);
    });
    hands.open();
    return () => {
      hands.letGo();
    };
  });
}

interface Surroundings {
  readonly clock: Clock;
  readonly fanOut: FanOut;
}

// A class: with ten thousand links a closure for each of its deeds is megabytes.
class LinkHands implements LinkOwner {
  readonly #io: SessionIo;
  readonly #generation: number;
  readonly #tell: (event: SessionMachineEvent) => void;
  readonly #around: Surroundings;
  #stopProbe: (() => void) | undefined;
  #lister: ToolLister | undefined;
  #lastFaultMs: number | undefined;

  constructor(io: SessionIo, generation: number, tell: (event: SessionMachineEvent) => void, around: Surroundings) {
    this.#io = io;
    this.#generation = generation;
    this.#tell = tell;
    this.#around = around;
  }

  open(): void {
    this.#io.lease.open(this.#generation, this);
  }

  obey(command: LinkCommand): void {
    switch (command.type) {
      case 'PROBE.REQUEST':
        this.#probe();
        break;
      case 'HYDRATE.REQUEST':
        this.#hydrate(command.offersTools);
        break;
      case 'LINK.RELEASE':
        void this.#io.lease.release(command.mode).then(({ leaked }) => {
          this.#tell({ type: 'LINK.RELEASED', generation: this.#generation, leaked });
        });
        break;
    }
  }

  letGo(): void {
    this.#stopProbe?.();
    this.#stopProbe = undefined;
    this.#lister?.stop();
    this.#lister = undefined;
  }

  #probe(): void {
    const { link } = this.#io.lease;
    if (link === undefined || this.#stopProbe !== undefined) return;
    this.#stopProbe = startProbe(this.#io, link, this.#generation, this.#around.clock, (result, overload) => {
      this.#stopProbe = undefined;
      this.#tell(result);
      if (overload !== undefined) this.#tell(overload);
    });
  }

  #hydrate(offersTools: boolean): void {
    const io = this.#io;
    const generation = this.#generation;
    const { link } = io.lease;
    if (link === undefined) return;
    if (!offersTools) {
      io.noteTools(generation, { list: [], end: 'complete' });
      this.#tell({ type: 'HYDRATED', generation, answers: 0 });
      return;
    }
    this.#lister = new ToolLister(link, this.#around.clock, io, generation);
    this.#lister.first((isAnswered) => {
      this.#tell({ type: 'HYDRATED', generation, answers: isAnswered ? 1 : 0 });
    });
  }

  hear(event: LinkEvent): void {
    const { clock } = this.#around;
    if (event.type === 'fault') {
      const nowMs = clock.monotonic();
      if (this.#lastFaultMs !== undefined && nowMs - this.#lastFaultMs < faultEveryMs) return;
      this.#lastFaultMs = nowMs;
    }
    if (event.type === 'down') this.letGo();
    this.#relay(event);
    if (event.type === 'notice' && event.method === toolsChanged) this.#lister?.outdated();
  }

  #relay(event: LinkEvent): void {
    const io = this.#io;
    const generation = this.#generation;
    switch (event.type) {
      case 'spawned':
        this.#tell({ type: 'LINK.SPAWNED', generation, pid: event.pid });
        break;
      case 'opened':
        this.#tell({ type: 'LINK.OPENED', generation, facts: event.facts });
        break;
      case 'asking':
        io.noteAsking(generation, event.people);
        break;
      case 'notice':
        io.noteNotification(generation, event.method, event.params);
        break;
      case 'stderr':
        io.noteStderr(generation, event.line);
        break;
      case 'fault':
        io.noteFault(generation, event.fault);
        this.#tell({ type: 'LINK.FAULT', generation, fault: event.fault });
        break;
      case 'down': {
        const { fault } = event;
        const atMs = this.#around.clock.monotonic();
        this.#around.fanOut.deliver(() => {
          const type = fault.kind === 'session-lost' ? 'SESSION.LOST' : 'LINK.DOWN';
          this.#tell({ type, generation, fault, atMs });
        });
        break;
      }
    }
  }
}
