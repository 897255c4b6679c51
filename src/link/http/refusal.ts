import type { Fault, RequestFailure } from '../fault.ts';
import { mediaTypeOf } from './http-exchange.ts';
import type { BodyReader, ResponseHead } from './http-exchange.ts';
import type { HttpHost } from './http-host.ts';
import { failureOfStatus, faultOfStatus, rulingOf } from './http-status.ts';
import type { Ruling } from './http-status.ts';
import { JsonBody, MAX_ERROR_BODY_BYTES } from './json-body.ts';
import { isNamelessError, isRpcMessage } from '../rpc-message.ts';
import type { RpcId, RpcMessage } from '../rpc-message.ts';

/** What a refusal may mean for the session. Nothing here throws. */
export interface RefusalHost extends HttpHost {
  /** The credentials were refused, and no better ones could be had. */
  onAuthRefused(post: Refused, status: number, fault: Fault): void;
  onSessionLost(fault: Fault): void;
  /** Asks by a ping whether the session still stands; null: it does. Otherwise how the request fails. Never rejects. */
  checkSession(fault: Fault): Promise<RequestFailure | null>;
}

/** The message that was refused. */
export interface Refused {
  readonly method: unknown;
  readonly isRequest: boolean;
  readonly requestId: RpcId;
  readonly isSettled: boolean;
  fail(failure: RequestFailure): void;
}

/**
 * The verdict on one message that was answered with a status which is no success. Most are plain from the status; some wait for the
 * body, in which a JSON-RPC error is the answer, and some for a check of the session.
 */
export class Refusal {
  readonly #host: RefusalHost;
  readonly #post: Refused;
  readonly #head: ResponseHead;
  readonly #ruling: Ruling;
  #answer: RpcMessage | null = null;
  #isDecided = false;

  constructor(host: RefusalHost, post: Refused, head: ResponseHead) {
    this.#host = host;
    this.#post = post;
    this.#head = head;
    this.#ruling = rulingOf(head.status, host.context.holdsSession, post.method === 'ping');
  }

  /** Decides at once where the status is enough; otherwise gives the reader of the body, and {@link decide} is due at its end. */
  open(onOversize: () => void): BodyReader | null {
    if (this.#ruling !== 'read-body' && this.#ruling !== 'check-session') {
      this.decide();
      return null;
    }
    if (!this.#post.isRequest || mediaTypeOf(this.#head) !== 'application/json') return null;
    return new JsonBody(MAX_ERROR_BODY_BYTES, { onValue: (value) => this.#read(value), onOversize });
  }

  /** Decides by what is known by now; does nothing the second time. */
  decide(): void {
    if (this.#isDecided || this.#post.isSettled) return;
    this.#isDecided = true;
    const fault = faultOfStatus(this.#head, this.#host.context);
    switch (this.#ruling) {
      case 'auth':
        this.#post.fail({ kind: 'refused', sent: true, fault });
        this.#host.onAuthRefused(this.#post, this.#head.status, fault);
        break;
      case 'session-lost': {
        const lost: Fault = { ...fault, kind: 'session-lost' };
        this.#post.fail({ kind: 'refused', sent: true, fault: lost });
        this.#host.onSessionLost(lost);
        break;
      }
      case 'check-session':
        void this.#check(fault);
        break;
      case 'read-body':
      case 'final':
        this.#conclude(failureOfStatus(this.#head, this.#host.context));
        break;
    }
  }

  async #check(fault: Fault): Promise<void> {
    const failure = await this.#host.checkSession(fault);
    if (failure === null) this.#conclude({ kind: 'refused', sent: true, fault });
    else this.#post.fail(failure);
  }

  #conclude(failure: RequestFailure): void {
    if (this.#post.isSettled) return;
    if (this.#answer === null) this.#post.fail(failure);
    else this.#host.deliver(this.#answer);
  }

  #read(value: unknown): void {
    if (!isRpcMessage(value)) return;
    const { requestId } = this.#post;
    if (isNamelessError(value)) this.#answer = { ...value, id: requestId };
    else if ('error' in value && String(value['id']) === String(requestId)) this.#answer = value;
  }
}
