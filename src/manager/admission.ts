import { AuthRequiredError, CircuitOpenError, NotReadyError } from '../errors/request-errors.ts';
import type { HoldfastError } from '../errors/holdfast-error.ts';
import { ClosedError } from '../errors/usage-errors.ts';
import type { Link } from '../link/link.ts';
import { withoutPeriod } from './call-failure.ts';
import type { SessionRecord } from './session-record.ts';

/** Whether a server takes a call now: it does, it will soon by itself, or it does not. */
export type Admission = 'open' | 'soon' | 'shut';

export interface Wish {
  /** Whoever calls wants it even from a server that is unhealthy, or whose circuit is open. */
  readonly insists: boolean;
  /** How long the call may wait; what comes later than that is not soon. */
  readonly patienceMs: number;
  /** This generation will not do. */
  readonly forgotten?: number | undefined;
}

/** Reads whether the server takes a call now. */
export function admissionOf(record: SessionRecord, { insists, patienceMs, forgotten }: Wish): Admission {
  const { phase, wakesAtMs } = record.view;
  if (record.removing !== undefined || record.finished) return 'shut';
  if (forgotten !== undefined && record.generation === forgotten && phase.startsWith('connected.')) return 'soon';
  if (!insists && record.circuitMode === 'barred') return 'shut';
  if (phase.startsWith('connected.')) {
    if (!record.admits && !insists) return 'shut';
    // A link that has just begun to go down: the session hears of it in a moment.
    return openLink(record) === undefined ? 'soon' : 'open';
  }
  if (phase === 'idle' || phase === 'releasing' || phase.startsWith('connecting.')) return 'soon';
  if (phase !== 'disconnected.backingOff' || wakesAtMs === null) return 'shut';
  return wakesAtMs - record.clock.monotonic() <= patienceMs ? 'soon' : 'shut';
}

/** The link that takes calls at this moment. */
export function openLink({ lease: { link } }: SessionRecord): Link | undefined {
  return link?.isOpen === true ? link : undefined;
}

/** The typed refusal of a call that is not admitted. `waitedMs`: how long it has waited for the server. */
export function refusalOf(record: SessionRecord, waitedMs: number): HoldfastError {
  const { phase, context, wakesAtMs } = record.view;
  const where = { serverId: record.id, generation: context.generation };
  const why = context.reason === null ? '' : ` (${withoutPeriod(context.reason)})`;
  if (record.removing !== undefined || record.finished) return new ClosedError('session', record.id);
  const { circuit } = record;
  if (circuit.state !== 'closed' && !phase.startsWith('disconnected.')) {
    return new CircuitOpenError(
      `The circuit of server "${record.id}" is ${circuit.state === 'open' ? 'open' : 'half open'} (${circuit.cause}); the call was not sent. Wait until a check has shown that the server is well, or insist with evenIfUnhealthy.`,
      { ...where, retryAfterMs: circuit.retryAfterMs },
    );
  }
  if (phase === 'connected.unhealthy') {
    return new NotReadyError(
      `Server "${record.id}" is unhealthy${why}; the call was not sent. Wait for it to recover, or insist with evenIfUnhealthy.`,
      where,
    );
  }
  const retryAfterMs = wakesAtMs === null ? undefined : Math.max(0, Math.ceil(wakesAtMs - record.clock.monotonic()));
  if (phase === 'disconnected.parked.auth') {
    return new AuthRequiredError(`Server "${record.id}" wants other credentials${why}; the call was not sent.`, {
      ...where,
      outcome: 'not-sent',
      url: context.lastFault?.authorizationUrl,
      retryAfterMs,
    });
  }
  const waited = waitedMs > 0 ? `, and was not within ${waitedMs} ms` : '';
  const state = phase.startsWith('connected.')
    ? 'is losing its connection'
    : `is not connected but ${phase}${why}${waited}`;
  return new NotReadyError(`Server "${record.id}" ${state}; the call was not sent.`, { ...where, retryAfterMs });
}
