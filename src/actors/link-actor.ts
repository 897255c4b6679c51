import { fromCallback } from 'xstate';
import type { LinkEvent } from '../link/link.ts';
import type { LinkCommand, SessionMachineEvent } from '../machines/session-events.ts';
import type { GenerationInput } from '../machines/session-world.ts';
import type { FanOut } from './fan-out.ts';
import type { Clock } from './ports.ts';
import type { FindSession, SessionIo } from './session-io.ts';

/** A link that complains all the time is heard once in this time: each complaint asks for a check. */
const faultEveryMs = 1_000;

/**
 * Opens the link of one generation, tells the session what becomes of it, and lets it go when told to.
 * It does not end the link when it is stopped itself: the lease holds it, and only a release ends it.
 */
export function linkLogic(find: FindSession, clock: Clock, fanOut: FanOut) {
  return fromCallback<LinkCommand, GenerationInput>(({ input, sendBack, receive }) => {
    const { generation } = input;
    const io = find(input.id);
    if (io === undefined) return;
    const tell = (event: SessionMachineEvent): void => {
      sendBack(event);
    };

    receive(({ mode }) => {
      void io.lease.release(mode).then(({ leaked }) => {
        tell({ type: 'LINK.RELEASED', generation, leaked });
      });
    });

    let lastFaultMs = Number.NEGATIVE_INFINITY;
    io.lease.open(generation, (event) => {
      if (event.type === 'fault') {
        const nowMs = clock.monotonic();
        if (nowMs - lastFaultMs < faultEveryMs) return;
        lastFaultMs = nowMs;
      }
      relay(event, io, generation, clock, fanOut, tell);
    });
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
