import type { Call } from '../engine/call.ts';
import { isRecord, readOwnId } from '../engine/json-rpc.ts';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import type { GapMark, Pending } from '../link.ts';
import { SUBSCRIPTION_ID } from './envelope.ts';

const GAP: GapMark = 'holdfast/gap';

/** How long to wait before listening again, in milliseconds: doubled with each failure in a row, up to the second. */
const FIRST_DELAY_MS = 1000;
const LONGEST_DELAY_MS = 30_000;

/** A stream that stood this long did not fail at once, in milliseconds. */
const STABLE_MS = 10_000;

/** What servers of the modern era can be listened to for, with the notification that says it. */
const LISTS = [
  { capability: 'tools', filter: 'toolsListChanged', notice: 'notifications/tools/list_changed' },
  { capability: 'prompts', filter: 'promptsListChanged', notice: 'notifications/prompts/list_changed' },
  { capability: 'resources', filter: 'resourcesListChanged', notice: 'notifications/resources/list_changed' },
] as const;

/** None of these may throw. */
export interface ChangeWatchListeners {
  readonly onFault: (fault: Fault) => void;
  /** What may have changed while nobody listened. */
  readonly onNotice: (method: string, params: unknown) => void;
}

interface Listening {
  readonly call: Call;
  readonly uris: ReadonlySet<string>;
  heardAtMs: number | undefined;
}

interface Waiter {
  readonly uri: string;
  readonly resolve: (result: Record<string, unknown>) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Listens to a server of the modern era, which tells of changes only on a stream that was asked for (`subscriptions/listen`): to its
 * lists, as far as it offers that, and to the resources that were subscribed to.
 *
 * A stream that ends is opened again, after 1 s at first and 30 s at most; what may have changed meanwhile is then told as changed.
 * A server that refuses to be listened to is not asked again; a change of the subscriptions is another question.
 */
export class ChangeWatch {
  readonly #ask: (params: Record<string, unknown>) => Call;
  readonly #lists: readonly (typeof LISTS)[number][];
  readonly #listeners: ChangeWatchListeners;
  readonly #uris = new Set<string>();
  #waiters: Waiter[] = [];
  /** The stream that the server has acknowledged. */
  #current: Listening | undefined;
  /** The stream that is to take its place. */
  #opening: Listening | undefined;
  #isDeaf = false;
  #isToOpen = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(
    ask: (params: Record<string, unknown>) => Call,
    capabilities: Readonly<Record<string, unknown>>,
    listeners: ChangeWatchListeners,
  ) {
    this.#ask = ask;
    this.#listeners = listeners;
    this.#lists = LISTS.filter(({ capability }) => {
      const offered = capabilities[capability];
      return isRecord(offered) && offered['listChanged'] === true;
    });
  }

  /** Listens to what was asked for so far; to nothing, without a stream. */
  open(): void {
    clearTimeout(this.#timer);
    const before = this.#opening;
    this.#opening = undefined;
    before?.call.cancel();
    if (this.#isOver) return;
    if (this.#lists.length === 0 && this.#uris.size === 0) {
      const last = this.#current;
      this.#current = undefined;
      last?.call.cancel();
      return;
    }
    const filter = {
      ...Object.fromEntries(this.#lists.map((list) => [list.filter, true])),
      ...(this.#uris.size > 0 && { resourceSubscriptions: [...this.#uris] }),
    };
    const listening: Listening = {
      call: this.#ask({ notifications: filter }),
      uris: new Set(this.#uris),
      heardAtMs: undefined,
    };
    this.#opening = listening;
    listening.call.answer.then(
      () => this.#ended(listening, null),
      (error: unknown) => this.#ended(listening, error),
    );
  }

  /** Resolves when the server has agreed to tell of this resource. */
  subscribe(uri: string): Pending<Record<string, unknown>> {
    const answer = new Promise<Record<string, unknown>>((resolve, reject) => {
      this.#waiters.push({ uri, resolve, reject });
    });
    this.#uris.add(uri);
    this.#openSoon();
    return {
      answer,
      cancel: () => {
        this.#reject(
          ({ uri: other }) => other === uri,
          () => new LinkError({ kind: 'aborted', sent: true }),
        );
      },
    };
  }

  unsubscribe(uri: string): void {
    if (this.#uris.delete(uri)) this.#openSoon();
  }

  /** Whether a notification is one to tell: not from a stream whose place another has taken, which tells it as well. */
  isNews(params: unknown): boolean {
    const id = subscriptionOf(params);
    return id === null || this.#current === undefined || id === this.#current.call.id;
  }

  /** The server listens: `notifications/subscriptions/acknowledged`. */
  acknowledged(params: unknown): void {
    const id = subscriptionOf(params);
    const listening = this.#opening;
    if (listening === undefined || id !== listening.call.id) return;
    const before = this.#current;
    this.#opening = undefined;
    this.#current = listening;
    listening.heardAtMs = performance.now();
    before?.call.cancel();
    this.#settle(listening, isRecord(params) ? params['notifications'] : undefined);
    if (!this.#isDeaf) return;
    this.#isDeaf = false;
    for (const { notice } of this.#lists) this.#listeners.onNotice(notice, undefined);
    for (const uri of listening.uris) {
      this.#listeners.onNotice('notifications/resources/updated', { uri, _meta: { [GAP]: true } });
    }
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** What is subscribed to at once is asked for at once: each change is another stream. */
  #openSoon(): void {
    if (this.#isToOpen) return;
    this.#isToOpen = true;
    queueMicrotask(() => {
      this.#isToOpen = false;
      this.open();
    });
  }

  #settle(listening: Listening, agreed: unknown): void {
    const uris: unknown = isRecord(agreed) ? agreed['resourceSubscriptions'] : undefined;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ uri }) => !listening.uris.has(uri));
    for (const { uri, resolve, reject } of waiters) {
      if (!listening.uris.has(uri)) continue;
      if (Array.isArray(uris) && uris.includes(uri)) resolve({});
      else {
        this.#uris.delete(uri);
        reject(new LinkError({ kind: 'refused', sent: true, fault: NOT_AGREED }));
      }
    }
  }

  #ended(listening: Listening, error: unknown): void {
    const wasCurrent = this.#current === listening;
    if (!wasCurrent && this.#opening !== listening) return;
    if (wasCurrent) {
      this.#current = undefined;
      this.#isDeaf = true;
    } else {
      this.#opening = undefined;
      this.#reject(
        ({ uri }) => listening.uris.has(uri),
        () => error ?? new LinkError({ kind: 'refused', sent: true, fault: NOT_AGREED }),
      );
    }
    if (this.#isOver) return;
    if (isRefusal(error)) {
      this.#listeners.onFault(NOT_LISTENED_TO);
      return;
    }
    // A stream that breaks is often the first sign of a server that is gone.
    if (wasCurrent && error instanceof LinkError && error.failure.kind === 'link')
      this.#listeners.onFault(error.failure.fault);
    const { heardAtMs } = listening;
    if (heardAtMs !== undefined && performance.now() - heardAtMs >= STABLE_MS) this.#failures = 0;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** this.#failures, LONGEST_DELAY_MS);
    this.#failures += 1;
    // One that is being opened will say for itself what becomes of it.
    if (this.#opening !== undefined) return;
    this.#timer = setTimeout(() => this.open(), delayMs);
  }

  #reject(which: (waiter: Waiter) => boolean, why: () => unknown): void {
    const waiters = this.#waiters;
    this.#waiters = waiters.filter((waiter) => !which(waiter));
    for (const waiter of waiters) {
      if (!which(waiter)) continue;
      this.#uris.delete(waiter.uri);
      waiter.reject(why());
    }
  }
}

/** The stream that a notification came by; null for one that names none of ours. */
function subscriptionOf(params: unknown): number | null {
  const meta = isRecord(params) ? params['_meta'] : undefined;
  return isRecord(meta) ? readOwnId(meta[SUBSCRIPTION_ID]) : null;
}

/** Invalid request, unknown method, invalid params: it will say the same next time. */
const FINAL_CODES: ReadonlySet<number> = new Set([-32_600, -32_601, -32_602]);

function isRefusal(error: unknown): boolean {
  if (!(error instanceof LinkError)) return false;
  const { failure } = error;
  return failure.kind === 'rpc' && FINAL_CODES.has(failure.rpcCode);
}

const NOT_AGREED: Fault = {
  kind: 'protocol',
  code: 'not-subscribed',
  message: 'The server does not agree to tell of changes of this resource.',
};

const NOT_LISTENED_TO: Fault = {
  kind: 'protocol',
  code: 'listen-refused',
  message: 'The server refuses to be listened to: of what changes there it tells nothing.',
};
