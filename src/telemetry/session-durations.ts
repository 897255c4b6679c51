import type { Phase, SessionEvent } from '../index.ts';

/** A connection that has ended. */
export interface EndedConnection {
  readonly durationMs: number;
  /** What it ended by; undefined when it was let go as it should be. */
  readonly errorType: 'circuit_open' | 'connection_lost' | 'session_lost' | undefined;
}

interface Established {
  readonly at: number;
  endedAt: number | undefined;
  sign: 'circuit_open' | 'session_lost' | undefined;
}

/** How long connections lasted, from the events of their sessions. */
export class SessionDurations {
  readonly #established = new Map<string, Established>();

  /** This server was connected when we came. */
  began(serverId: string, at: number): void {
    this.#established.set(serverId, { at, endedAt: undefined, sign: undefined });
  }

  /** The connection that has ended with this event. */
  note(event: SessionEvent): EndedConnection | undefined {
    const { serverId } = event;
    const known = this.#established.get(serverId);
    if (event.type === 'stateChanged') {
      if (!isEstablished(event.fromPhase) && isEstablished(event.phase)) this.began(serverId, event.at);
      else if (known !== undefined && !isEstablished(event.phase)) return this.#ending(serverId, known, event);
    } else if (event.type === 'serverRemoved') {
      this.#established.delete(serverId);
    } else if (known !== undefined) {
      if (event.type === 'sessionLost') known.sign = 'session_lost';
      if (event.type === 'circuitChanged' && event.to === 'open') known.sign = 'circuit_open';
      if (event.type === 'circuitChanged' && event.to === 'closed') known.sign = undefined;
    }
    return undefined;
  }

  #ending(
    serverId: string,
    known: Established,
    { phase, at }: Extract<SessionEvent, { readonly type: 'stateChanged' }>,
  ): EndedConnection | undefined {
    known.endedAt ??= at;
    // Where it goes from there says why it was let go.
    if (phase === 'releasing') return undefined;
    this.#established.delete(serverId);
    return { durationMs: known.endedAt - known.at, errorType: errorTypeOf(phase, known.sign) };
  }
}

function errorTypeOf(phase: Phase, sign: Established['sign']): EndedConnection['errorType'] {
  if (phase === 'closed') return undefined;
  return sign ?? (phase.startsWith('disconnected.') ? 'connection_lost' : undefined);
}

function isEstablished(phase: Phase): boolean {
  return phase.startsWith('connected.') || phase === 'draining';
}
