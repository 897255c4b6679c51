import type { Clock } from '../actors/ports.ts';
import { LinkError } from '../link/fault.ts';
import type { GapMark, Link, ServerRequestHandlers } from '../link/link.ts';
import { isHoldfastError } from '../errors/holdfast-error.ts';
import { failureOf } from './call-failure.ts';
import type { SessionFact, ShownError } from './manager-events.ts';
import type { LogLevel, Root } from './results.ts';

const GAP: GapMark = 'holdfast/gap';

/** Whose wishes they are. */
export interface WishesOwner {
  readonly id: string;
  /** The present generation. */
  readonly generation: number;
  readonly clock: Clock;
  readonly lease: { readonly link: Link | undefined };
  readonly options: { readonly callTimeoutMs: number };
  publish(fact: SessionFact): void;
}

/** Asks the server now, as its user would, and resolves with the generation that answered. */
export type AskNow = () => Promise<number>;

/** So many subscriptions are renewed at once: a server that is just back has other callers, too. */
const mostAtOnce = 8;

/**
 * What was asked of a server and is to hold over all its connections: subscriptions, the level of its log, and the roots that it may
 * ask for. Every new connection is asked for it again; what a server refuses then is told, and asked of the next one.
 */
export class Wishes {
  readonly #owner: WishesOwner;
  /** What is subscribed to, with the generation that granted it last; 0 before any has. */
  readonly #subscriptions = new Map<string, number>();
  #level: LogLevel | undefined;
  #roots: readonly Root[] | undefined;
  /** The generation that has been asked for everything. */
  #renewedIn = 0;
  /** The generation that was told, when it was opened, that it may ask for roots. */
  #rootsOfferedIn = 0;

  constructor(owner: WishesOwner) {
    this.#owner = owner;
  }

  get subscriptions(): readonly string[] {
    return [...this.#subscriptions].filter(([, grantedIn]) => grantedIn > 0).map(([uri]) => uri);
  }

  /** Holds from the moment in which the server grants it. */
  async subscribeTo(uri: string, ask: AskNow): Promise<void> {
    const isNew = !this.#subscriptions.has(uri);
    if (isNew) this.#subscriptions.set(uri, 0);
    try {
      const generation = await ask();
      this.#grant(uri, generation);
      // The connection that granted it is gone already, and the present one has been asked for everything but this.
      if (generation !== this.#renewedIn && this.#isNow(this.#renewedIn)) void this.#renewOne(this.#renewedIn, uri);
    } catch (error) {
      if (isNew) this.#subscriptions.delete(uri);
      throw error;
    }
  }

  /** Holds no longer, whatever the server makes of it: no later connection is asked for it. */
  async unsubscribeFrom(uri: string, ask: AskNow): Promise<void> {
    this.#subscriptions.delete(uri);
    // Without a connection there is nothing to take back.
    if (this.#owner.lease.link?.isOpen === true) await ask();
  }

  async setLevel(level: LogLevel, ask: AskNow): Promise<void> {
    const before = this.#level;
    this.#level = level;
    try {
      await ask();
    } catch (error) {
      if (this.#level === level) this.#level = before;
      throw error;
    }
  }

  /** Holds from now on. A connection that was told of no roots when it was opened learns nothing of them; the next one does. */
  async setRoots(roots: readonly Root[]): Promise<void> {
    this.#roots = Object.freeze(roots.map((root) => Object.freeze({ ...root })));
    const { generation, lease } = this.#owner;
    if (this.#rootsOfferedIn !== generation || lease.link?.isOpen !== true) return;
    try {
      await lease.link.notify('notifications/roots/list_changed', undefined);
    } catch (error) {
      // The connection ends, and the next one asks for them by itself.
      if (!(error instanceof LinkError)) throw error;
    }
  }

  /** What a new connection may ask of us: the same as ever, and the roots that were set. */
  handlersFor(generation: number, given: ServerRequestHandlers | undefined): ServerRequestHandlers | undefined {
    if (this.#roots === undefined && given?.roots === undefined) return given;
    this.#rootsOfferedIn = generation;
    // Those of the moment in which it asks: they may be set later, too.
    return { ...given, roots: async (context) => this.#roots ?? (await given?.roots?.(context)) ?? [] };
  }

  /** A notification has come. */
  note(method: string, params: unknown): void {
    if (method !== 'notifications/resources/updated' || this.#subscriptions.size === 0) return;
    const { uri, _meta } = fieldsOf(params);
    const gap = fieldsOf(_meta)[GAP] === true;
    if (typeof uri === 'string') this.#owner.publish({ type: 'resourceUpdated', uri, gap });
  }

  /** The present generation takes calls: it is asked for everything, once. */
  renew(): void {
    const { generation } = this.#owner;
    if (this.#renewedIn === generation) return;
    this.#renewedIn = generation;
    void this.#renewAll(generation);
  }

  async #renewAll(generation: number): Promise<void> {
    const level = this.#level;
    if (level !== undefined) {
      const error = await this.#ask(generation, 'logging/setLevel', { level });
      if (error !== null && this.#isNow(generation))
        this.#owner.publish({ type: 'wishRefused', wish: { kind: 'logLevel', level }, error });
    }
    const uris = this.#subscriptions.keys();
    await Promise.all(Array.from({ length: mostAtOnce }, () => this.#renewInTurn(generation, uris)));
  }

  async #renewInTurn(generation: number, uris: Iterator<string>): Promise<void> {
    for (let next = uris.next(); next.done !== true && this.#isNow(generation); next = uris.next()) {
      const uri = next.value;
      // What no connection has granted yet is being asked for by its user.
      const last = this.#subscriptions.get(uri) ?? 0;
      if (last > 0 && last !== generation) await this.#renewOne(generation, uri);
    }
  }

  async #renewOne(generation: number, uri: string): Promise<void> {
    const error = await this.#ask(generation, 'resources/subscribe', { uri });
    if (!this.#isNow(generation)) return;
    if (!this.#subscriptions.has(uri)) {
      // Taken back meanwhile.
      if (error === null) await this.#ask(generation, 'resources/unsubscribe', { uri });
    } else if (error === null) {
      this.#grant(uri, generation);
      this.#owner.publish({ type: 'resourceUpdated', uri, gap: true });
    } else {
      this.#owner.publish({ type: 'wishRefused', wish: { kind: 'subscription', uri }, error });
    }
  }

  #grant(uri: string, generation: number): void {
    if (this.#subscriptions.has(uri)) this.#subscriptions.set(uri, generation);
  }

  #isNow(generation: number): boolean {
    return generation === this.#owner.generation && this.#owner.lease.link?.isOpen === true;
  }

  /** Asks the connection itself: neither does it wait for a turn, nor does it count as anybody's call. Null when it was granted. */
  async #ask(generation: number, method: string, params: Record<string, unknown>): Promise<ShownError | null> {
    const { clock, id, lease, options } = this.#owner;
    const pending = lease.link?.request(method, params);
    if (pending === undefined) return null;
    const timer = clock.setTimeout(() => {
      pending.cancel();
    }, options.callTimeoutMs);
    try {
      await pending.answer;
      return null;
    } catch (error) {
      const failure = failureOf(error, id, generation, { method }, undefined);
      return { code: isHoldfastError(failure) ? failure.code : failure.name, message: failure.message };
    } finally {
      clock.clearTimeout(timer);
    }
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
