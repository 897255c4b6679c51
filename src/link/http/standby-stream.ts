import type { Fault } from '../fault.ts';
import type { HttpHost } from './http-host.ts';
import { faultOfStatus } from './http-status.ts';
import { retryDelayMs } from './reconnect-meter.ts';
import { StreamGet } from './stream-get.ts';
import type { StreamEnd } from './stream-get.ts';

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;

/**
 * The stream on which a server tells what nobody asked for. Offering one is up to the server. Once it was open it is opened again
 * whenever it ends, from the last event on, as soon as the server wants it to be and not more often than the meter allows.
 *
 * Its loss proves nothing about the session: it is reported, and probes decide. When the server will not have it again, that waits
 * for the proof that the session still stands.
 */
export class StandbyStream {
  readonly #host: HttpHost;
  #get: StreamGet | null = null;
  #timer: NodeJS.Timeout | undefined;
  #wasOpen = false;
  #isOff = false;
  #awaitsProof = false;
  #isDoubtful = false;
  #lastEventId = '';
  #retryMs: number | null = null;
  #backoffMs = FIRST_BACKOFF_MS;
  #isFaultTold = false;

  constructor(host: HttpHost) {
    this.#host = host;
  }

  /** Opens it for the first time. Does nothing after {@link stop}. */
  open(): void {
    if (this.#isOff || this.#get !== null) return;
    this.#host.meter.delayFor(0);
    this.#request();
  }

  /** A ping got no answer. What it went by may be gone without a word, and this stream with it. */
  doubt(): void {
    this.#isDoubtful = true;
  }

  /** The session has proved that it stands: what was put off for lack of that proof is done. */
  proven(): void {
    const wasDoubtful = this.#isDoubtful;
    this.#isDoubtful = false;
    if (this.#isOff) return;
    if (this.#awaitsProof) {
      this.#awaitsProof = false;
      this.#backOff();
    } else if (wasDoubtful && this.#get?.isOpen === true) {
      this.#lastEventId = this.#get.lastEventId;
      this.#get.abort();
      this.#schedule(0);
    }
  }

  /** Ends it for good and leaves no timer. */
  stop(): void {
    this.#isOff = true;
    clearTimeout(this.#timer);
    this.#get?.abort();
  }

  #request(): void {
    if (this.#isOff) return;
    this.#get = new StreamGet(this.#host, this.#lastEventId, {
      isWanted: () => !this.#isOff,
      onOpen: () => {
        this.#wasOpen = true;
        this.#isFaultTold = false;
        this.#backoffMs = FIRST_BACKOFF_MS;
      },
      onEnd: (end) => this.#onEnd(end),
    });
  }

  #onEnd(end: StreamEnd): void {
    if (this.#isOff) return;
    switch (end.type) {
      case 'closed':
        if (end.fault !== null) this.#host.report(end.fault);
        if (end.lastEventId !== '') this.#lastEventId = end.lastEventId;
        if (end.retryMs !== null) this.#retryMs = end.retryMs;
        this.#schedule(retryDelayMs(this.#retryMs));
        break;
      case 'failed':
        this.#complain(end.fault);
        this.#backOff();
        break;
      case 'refused':
        this.#onRefused(end.head.status, faultOfStatus(end.head, this.#host.context));
        break;
    }
  }

  #onRefused(status: number, fault: Fault): void {
    if (status >= 500 && status !== 501) {
      this.#complain(fault);
      this.#backOff();
    } else if (!this.#wasOpen) {
      // Not offered: nothing is wrong.
      this.#isOff = true;
    } else if (status >= 400) {
      this.#awaitsProof = true;
      this.#host.report(fault);
    } else {
      this.#isOff = true;
      this.#host.report(fault);
    }
  }

  /** Once for each row of failures: the probe that it brings on needs no reminders. */
  #complain(fault: Fault): void {
    if (this.#isFaultTold) return;
    this.#isFaultTold = true;
    this.#host.report(fault);
  }

  #backOff(): void {
    this.#schedule(this.#backoffMs);
    this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#request(), this.#host.meter.delayFor(delayMs));
  }
}
