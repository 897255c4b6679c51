import type { CallbackActorLogic, EventObject } from 'xstate';
import type { LinkCommand } from './session-events.ts';
import type { SessionMemory } from './session-context.ts';

/** What the I/O actors of a session are told: whose they are, and of which generation. */
export interface GenerationInput {
  readonly id: string;
  readonly generation: number;
}

/**
 * The world as the session machine sees it: time and chance, the actors that do its I/O, and a few orders to its record.
 * None of it is in the machine's context, so nothing of it can leak through an inspector.
 */
export interface SessionWorld {
  random(): number;
  /** Milliseconds since the epoch. */
  wall(): number;
  /** Milliseconds since some fixed moment. */
  monotonic(): number;
  readonly actors: {
    /** Queues for the connect limiter's permit and answers `PERMIT`. */
    readonly permit: CallbackActorLogic<EventObject, { readonly id: string }>;
    /** Opens the link, checks it, lists its tools, tells its events, and lets it go when told to. */
    readonly link: CallbackActorLogic<LinkCommand, GenerationInput>;
  };
  /** Keeps what must outlive the session's actor. Must not throw. */
  remember(id: string, memory: SessionMemory): void;
  /** Gives the connect limiter's permit back, if one is held. */
  releasePermit(id: string): void;
  /** Cancels every call in flight. */
  cancelCalls(id: string): void;
  countStaleEvent(id: string): void;
}
