import { LinkError, type Fault } from '../link/fault.ts';
import type { Link } from '../link/link.ts';
import type { CallEdge } from '../machines/call-tally.ts';
import type { GenerationFact } from '../machines/session-events.ts';
import type { Clock } from './ports.ts';
import type { SessionIo } from './session-io.ts';

/** What a check comes to. */
export type ProbeResult = Extract<GenerationFact, { readonly type: `PING.${string}` }>;

type Overload = Extract<CallEdge, { readonly type: 'OVERLOAD' }>;

/** One check of one link. It reports once, unless the link goes down under it or the returned function stops it. */
export function startProbe(
  io: SessionIo,
  link: Link,
  generation: number,
  clock: Clock,
  report: (result: ProbeResult, overload?: Overload) => void,
): () => void {
  const timeoutMs = io.probeTimeoutMs;
  const began = clock.monotonic();
  const beganWall = clock.wall();
  const probe = link.probe();
  let over = false;

  const finish = (result: ProbeResult, overload?: Overload): void => {
    if (over) return;
    over = true;
    clock.clearTimeout(timer);
    report(result, overload);
  };

  const timer = clock.setTimeout(() => {
    const lateMs = clock.monotonic() - began - timeoutMs;
    // An answer may be waiting unread in the pipe: read what has arrived before the silence counts.
    clock.nextMacrotask(() => {
      if (over) return;
      const atMs = clock.monotonic();
      const jumpMs = Math.abs(clock.wall() - beganWall - (atMs - began));
      const stalledMs = Math.max(lateMs, clock.loopLag(), jumpMs);
      probe.cancel();
      finish(
        stalledMs > timeoutMs / 2
          ? { type: 'PING.VOID', generation, atMs }
          : { type: 'PING.FAILED', generation, atMs, fault: noAnswerWithin(timeoutMs) },
      );
    });
  }, timeoutMs);

  const answered = (overload?: Overload): void => {
    const atMs = clock.monotonic();
    const latencyMs = atMs - began;
    // An answer that lay unread while we were stalled is proof of life, but no measure of the server.
    const stalled = clock.loopLag() > timeoutMs / 2;
    const meanLatencyMs = stalled ? io.meanLatencyMs : io.noteLatency(latencyMs);
    finish({ type: 'PING.OK', generation, atMs, latencyMs, meanLatencyMs }, overload);
  };

  probe.answer.then(
    () => {
      if (!over) answered();
    },
    (error: unknown) => {
      if (over) return;
      // A server that asks to be left alone for a while is there: more failed checks would only make us come back, and load it more.
      const overload = overloadOf(error);
      if (overload !== undefined && link.isOpen) {
        answered(overload);
        return;
      }
      // A link on its way down says so itself, and says why.
      if (link.isOpen) finish({ type: 'PING.FAILED', generation, atMs: clock.monotonic(), fault: faultOf(error) });
    },
  );

  return () => {
    if (over) return;
    over = true;
    clock.clearTimeout(timer);
    probe.cancel();
  };
}

function noAnswerWithin(timeoutMs: number): Fault {
  return { kind: 'timeout', code: 'check-timeout', message: `no answer to a check within ${timeoutMs} ms` };
}

function overloadOf(error: unknown): Overload | undefined {
  if (!(error instanceof LinkError) || error.failure.kind !== 'refused') return undefined;
  const { kind, retryAfterMs } = error.failure.fault;
  return kind === 'overload' ? { type: 'OVERLOAD', retryAfterMs } : undefined;
}

function faultOf(error: unknown): Fault {
  if (error instanceof LinkError && 'fault' in error.failure) return error.failure.fault;
  return { kind: 'internal', code: 'check-failed', message: error instanceof Error ? error.message : String(error) };
}
