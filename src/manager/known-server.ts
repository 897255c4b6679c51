import type { Era, ServerFacts } from '../link/link.ts';
import type { SessionFact } from './manager-events.ts';

/** What a server says of itself, as far as it matters to those who use it. */
export type ServerIdentity = Pick<ServerFacts, 'era' | 'protocolVersion' | 'info' | 'capabilities'>;

/**
 * What a server has said of itself over all its connections, whatever became of the actors that held them.
 *
 * The next connection begins with the era of the one before. Where that contradicts the server, no connection comes about, and the one
 * after that finds the era out anew.
 */
export class KnownServer {
  #facts: ServerFacts | null = null;
  #openedIn = 0;
  #eraSince: number | null = null;

  /** As of its last connection; null before the first. */
  get facts(): ServerFacts | null {
    return this.#facts;
  }

  /** Since when the server has been of its present era, in milliseconds since the epoch; null before its first connection. */
  get eraSince(): number | null {
    return this.#eraSince;
  }

  /** The era that the connection of this generation should try first; undefined when that is to be found out. */
  eraFor(generation: number): Era | undefined {
    return this.#openedIn === generation - 1 ? this.#facts?.era : undefined;
  }

  /** Takes what the last connection was told. Gives what is to be told when the server came back as another one. */
  learn(facts: ServerFacts | null, generation: number, wallMs: () => number): SessionFact | undefined {
    const before = this.#facts;
    if (facts === null || facts === before) return undefined;
    this.#facts = facts;
    this.#openedIn = generation;
    if (facts.era !== before?.era) this.#eraSince = wallMs();
    if (before === null) return undefined;
    const was = identityOf(before);
    const is = identityOf(facts);
    return JSON.stringify(was) === JSON.stringify(is) ? undefined : { type: 'serverChanged', before: was, after: is };
  }
}

function identityOf({ era, protocolVersion, info, capabilities }: ServerFacts): ServerIdentity {
  return { era, protocolVersion, info, capabilities };
}
