import { fromCallback } from 'xstate';
import type { LinkEvent } from '../link/link.ts';
import type { LinkCommand, SessionMachineEvent } from '../machines/session-events.ts';
import type { GenerationInput } from '../machines/session-world.ts';
import type { FanOut } from './fan-out.ts';
import { startProbe } from './link-probe.ts';
import type { ToolList } from './list-tools.ts';
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
  return fromCallback<LinkCommand, GenerationInput>(({ input, sendBack, receive }) => {
    const { generation } = input;
    const io = find(input.id);
    if (io === undefined) return undefined;
    const tell = (event: SessionMachineEvent): void => {
      sendBack(event);
    };
    let stopProbe: (() => void) | undefined;
    let lister: ToolLister | undefined;

    function probe(link: SessionIo['lease']['link']): void {
      if (io === undefined || link === undefined || stopProbe !== undefined) return;
      stopProbe = startProbe(io, link, generation, clock, (result, overload) => {
        stopProbe = undefined;
        tell(result);
        if (overload !== undefined) tell(overload);
      });
    }

    function hydrate(link: SessionIo['lease']['link'], offersTools: boolean): void {
      if (io === undefined || link === undefined) return;
      if (!offersTools) {
        io.noteTools(generation, { list: [], end: 'complete' });
        tell({ type: 'HYDRATED', generation, answers: 0 });
        return;
      }
      const note = (tools: ToolList): void => {
        io.noteTools(generation, tools);
      };
      lister = new ToolLister(link, clock, note);
      lister.first((tools, isAnswered) => {
        note(tools);
        tell({ type: 'HYDRATED', generation, answers: isAnswered ? 1 : 0 });
      });
    }

    function stop(): void {
      stopProbe?.();
      stopProbe = undefined;
      lister?.stop();
      lister = undefined;
    }

    receive((command) => {
      switch (command.type) {
        case 'PROBE.REQUEST':
          probe(io.lease.link);
          break;
        case 'HYDRATE.REQUEST':
          hydrate(io.lease.link, command.offersTools);
          break;
        case 'LINK.RELEASE':
          void io.lease.release(command.mode).then(({ leaked }) => {
            tell({ type: 'LINK.RELEASED', generation, leaked });
          });
          break;
      }
    });

    let lastFaultMs = Number.NEGATIVE_INFINITY;
    const hear = (event: LinkEvent): void => {
      if (event.type === 'fault') {
        const nowMs = clock.monotonic();
        if (nowMs - lastFaultMs < faultEveryMs) return;
        lastFaultMs = nowMs;
      }
      if (event.type === 'down') stop();
      relay(event, io, generation, clock, fanOut, tell);
      if (event.type === 'notice' && event.method === toolsChanged) lister?.outdated();
    };
    io.lease.open(generation, hear, stop);
    return stop;
  });
}

function relay(
  event: LinkEvent,
  io: SessionIo,
  generation: number,
  clock: Clock,
  fanOut: FanOut,
  tell: (event: SessionMachineEvent) => void,
): void {
  switch (event.type) {
    case 'spawned':
      tell({ type: 'LINK.SPAWNED', generation, pid: event.pid });
      break;
    case 'opened':
      tell({ type: 'LINK.OPENED', generation, facts: event.facts });
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
      tell({ type: 'LINK.FAULT', generation, fault: event.fault });
      break;
    case 'down': {
      const { fault } = event;
      const atMs = clock.monotonic();
      fanOut.deliver(() => {
        tell({ type: fault.kind === 'session-lost' ? 'SESSION.LOST' : 'LINK.DOWN', generation, fault, atMs });
      });
      break;
    }
  }
}
