import { fromCallback, type EventObject } from 'xstate';
import { LinkError, type Fault } from '../link/fault.ts';
import type { SessionMachineEvent } from '../machines/session-events.ts';
import type { GenerationInput } from '../machines/session-world.ts';
import type { Clock } from './ports.ts';
import type { FindSession } from './session-io.ts';

// Reasons of our own: without one, abort() makes a DOMException with a stack, which costs more than the whole check.
const stopped = 'the session no longer waits for this check';
const timedOut = 'the check took too long';
const noLink: Fault = { kind: 'transport', code: 'no-link', message: 'there was no link to check' };

/** One check of one link. It reports exactly once, unless it is stopped before. */
export function probeLogic(find: FindSession, clock: Clock) {
  return fromCallback<EventObject, GenerationInput>(({ input, sendBack }) => {
    const { generation } = input;
    const io = find(input.id);
    const link = io?.lease.generation === generation ? io.lease.link : undefined;
    let reported = false;
    const report = (event: SessionMachineEvent): void => {
      if (reported) return;
      reported = true;
      clock.clearTimeout(timer);
      sendBack(event);
    };
    const began = clock.monotonic();
    const beganWall = clock.wall();
    const timeoutMs = io?.probeTimeoutMs ?? 0;
    const abort = new AbortController();

    const timer = clock.setTimeout(() => {
      const lateMs = clock.monotonic() - began - timeoutMs;
      // An answer may be waiting unread in the pipe: read what has arrived before the silence counts.
      clock.nextMacrotask(() => {
        const atMs = clock.monotonic();
        const jumpMs = Math.abs(clock.wall() - beganWall - (atMs - began));
        const stalledMs = Math.max(lateMs, clock.loopLag(), jumpMs);
        report(
          stalledMs > timeoutMs / 2
            ? { type: 'PING.VOID', generation, atMs }
            : {
                type: 'PING.FAILED',
                generation,
                atMs,
                fault: {
                  kind: 'timeout',
                  code: 'check-timeout',
                  message: `no answer to a check within ${timeoutMs} ms`,
                },
              },
        );
        abort.abort(timedOut);
      });
    }, timeoutMs);

    if (io === undefined || link === undefined) {
      report({ type: 'PING.FAILED', generation, atMs: began, fault: noLink });
      return undefined;
    }
    link.probe(abort.signal).then(
      () => {
        const atMs = clock.monotonic();
        if (reported) return;
        const latencyMs = atMs - began;
        // An answer that lay unread while we were stalled is proof of life, but no measure of the server.
        const stalled = clock.loopLag() > timeoutMs / 2;
        const meanLatencyMs = stalled ? io.meanLatencyMs : io.noteLatency(latencyMs);
        report({ type: 'PING.OK', generation, atMs, latencyMs, meanLatencyMs });
      },
      (error: unknown) => {
        report({ type: 'PING.FAILED', generation, atMs: clock.monotonic(), fault: faultOf(error) });
      },
    );
    return () => {
      if (!reported) abort.abort(stopped);
      reported = true;
      clock.clearTimeout(timer);
    };
  });
}

function faultOf(error: unknown): Fault {
  if (error instanceof LinkError && error.failure.kind === 'link') return error.failure.fault;
  return { kind: 'internal', code: 'check-failed', message: error instanceof Error ? error.message : String(error) };
}
