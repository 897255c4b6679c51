import type { CloseMode, Link, LinkEvent } from '../link/link.ts';
import type { Clock, TimerId } from './ports.ts';

/** How long a link may take to let go before it is given up as leaked: the longest ladder, and a little. */
const gracefulBoundMs = 15_000;
const killBoundMs = 4_000;

const harshness: Readonly<Record<CloseMode, number>> = { graceful: 0, lost: 1, kill: 2 };

/** Opens the link of a generation. */
export interface LinkOpener {
  openLink(generation: number, onEvent: (event: LinkEvent) => void): Link;
}

/** Who has asked for a link. */
export interface LinkOwner {
  hear(event: LinkEvent): void;
  /** The link is being let go, by whomever; nothing more is heard of it. Called once. */
  letGo(): void;
}

interface Held {
  readonly generation: number;
  readonly link: Link;
  readonly owner: LinkOwner;
  mode: CloseMode | undefined;
  /** Starts the time anew in which the link has to let go. */
  bound: ((mode: CloseMode) => void) | undefined;
  released: Promise<{ readonly leaked: boolean }> | undefined;
}

/**
 * The right to have a connection: one per server, and at most one link at a time.
 * It belongs to the server's record and so outlives the session's actor: whatever happens to the actor,
 * the link is still known here and is let go before another is opened.
 */
export class LinkLease {
  readonly #clock: Clock;
  readonly #opener: LinkOpener;
  #held: Held | undefined;

  constructor(clock: Clock, opener: LinkOpener) {
    this.#clock = clock;
    this.#opener = opener;
  }

  /** The link of the current generation while it is not being let go. */
  get link(): Link | undefined {
    return this.#held?.mode === undefined ? this.#held?.link : undefined;
  }

  get generation(): number | undefined {
    return this.#held?.generation;
  }

  /** Opens the link of a generation. Its events stop when it is released. */
  open(generation: number, owner: LinkOwner): void {
    if (this.#held !== undefined) {
      owner.hear({
        type: 'down',
        fault: {
          kind: 'internal',
          code: 'lease-held',
          message: `the link of generation ${this.#held.generation} is not released yet`,
        },
      });
      return;
    }
    let early: LinkEvent[] | undefined = [];
    const link = this.#opener.openLink(generation, (event) => {
      if (early !== undefined) early.push(event);
      else if (this.#held?.link === link && this.#held.mode === undefined) owner.hear(event);
    });
    this.#held = { generation, link, owner, mode: undefined, bound: undefined, released: undefined };
    const arrived = early;
    early = undefined;
    for (const event of arrived) owner.hear(event);
  }

  /**
   * Lets the link go and resolves when the peer is gone, or with `leaked` when it did not go in time.
   * A harsher mode hastens a release under way. Never rejects.
   */
  release(mode: CloseMode): Promise<{ readonly leaked: boolean }> {
    const held = this.#held;
    if (held === undefined) return Promise.resolve({ leaked: false });
    if (held.released === undefined) {
      held.mode = mode;
      held.owner.letGo();
      held.released = this.#bounded(held, mode).then((leaked) => {
        this.#held = undefined;
        return { leaked };
      });
    } else if (held.mode !== undefined && harshness[mode] > harshness[held.mode]) {
      held.mode = mode;
      held.bound?.(mode);
      void closed(held.link, mode);
    }
    return held.released;
  }

  /** Resolves to true when the link has not let go in time. A harsher mode brings its own, shorter time. */
  #bounded(held: Held, mode: CloseMode): Promise<boolean> {
    return new Promise((resolve) => {
      let timer: TimerId;
      held.bound = (how) => {
        this.#clock.clearTimeout(timer);
        const mine = this.#clock.setTimeout(
          () => {
            // After a stall of our own the end of the peer may be waiting unread: a link that is gone must not count as leaked.
            this.#clock.nextMacrotask(() => {
              if (timer === mine) resolve(true);
            });
          },
          how === 'graceful' ? gracefulBoundMs : killBoundMs,
        );
        timer = mine;
      };
      held.bound(mode);
      void closed(held.link, mode).then(() => {
        this.#clock.clearTimeout(timer);
        resolve(false);
      });
    });
  }
}

/** A driver that breaks its promise never to reject must not keep a session in `releasing`. */
async function closed(link: Link, mode: CloseMode): Promise<void> {
  try {
    await link.close(mode);
  } catch {
    // The link is given up either way.
  }
}
