import { LinkError, type Fault } from '../link/fault.ts';
import type { Link } from '../link/link.ts';
import type { GenerationFact } from '../machines/session-events.ts';
import type { Clock } from './ports.ts';
import type { SessionIo } from './session-io.ts';

// Reasons of our own: without one, abort() makes a DOMException with a stack, which costs more than the whole check.
const stopped = 'the session no longer waits for this check';
const timedOut = 'the check took too long';

/** What a check comes to. */
export type ProbeResult = Extract<GenerationFact, { readonly type: `PING.${string}` }>;

/** One check of one link. It reports once, unless the link goes down under it or the returned function stops it. */
export function startProbe(
  io: SessionIo,
  link: Link,
  generation: number,
  clock: Clock,
  report: (result: ProbeResult) => void,
): () => void {
  const timeoutMs = io.probeTimeoutMs;
  const began = clock.monotonic();
  const beganWall = clock.wall();
  const abort = new AbortController();
  let over = false;

  const finish = (result: ProbeResult): void => {
    if (over) return;
    over = true;
    clock.clearTimeout(timer);
    report(result);
  };

  const timer = clock.setTimeout(() => {
    const lateMs = clock.monotonic() - began - timeoutMs;
    // An answer may be waiting unread in the pipe: read what has arrived before the silence counts.
    clock.nextMacrotask(() => {
      if (over) return;
      const atMs = clock.monotonic();
      const jumpMs = Math.abs(clock.wall() - beganWall - (atMs - began));
      const stalledMs = Math.max(lateMs, clock.loopLag(), jumpMs);
      abort.abort(timedOut);
      finish(
        stalledMs > timeoutMs / 2
          ? { type: 'PING.VOID', generation, atMs }
          : { type: 'PING.FAILED', generation, atMs, fault: noAnswerWithin(timeoutMs) },
      );
    });
  }, timeoutMs);

  link.probe(abort.signal).then(
    () => {
      if (over) return;
      const atMs = clock.monotonic();
      const latencyMs = atMs - began;
      // An answer that lay unread while we were stalled is proof of life, but no measure of the server.
      const stalled = clock.loopLag() > timeoutMs / 2;
      const meanLatencyMs = stalled ? io.meanLatencyMs : io.noteLatency(latencyMs);
      finish({ type: 'PING.OK', generation, atMs, latencyMs, meanLatencyMs });
    },
    (error: unknown) => {
      // A link on its way down says so itself, and says why.
      if (link.isOpen) finish({ type: 'PING.FAILED', generation, atMs: clock.monotonic(), fault: faultOf(error) });
    },
  );

  return () => {
    if (over) return;
    over = true;
    clock.clearTimeout(timer);
    abort.abort(stopped);
  };
}

function noAnswerWithin(timeoutMs: number): Fault {
  return { kind: 'timeout', code: 'check-timeout', message: `no answer to a check within ${timeoutMs} ms` };
}

function faultOf(error: unknown): Fault {
  if (error instanceof LinkError && error.failure.kind === 'link') return error.failure.fault;
  return { kind: 'internal', code: 'check-failed', message: error instanceof Error ? error.message : String(error) };
}
