import { LinkError } from '../fault.ts';
import type { Fault, RequestFailure } from '../fault.ts';
import type { BodyReader, ExchangeOwner, ExchangePhase, HttpExchange, ResponseHead } from './http-exchange.ts';
import { brokenFault, misuse, NOT_WANTED } from './http-faults.ts';
import type { Lane } from './http-pools.ts';
import { HttpReply } from './http-reply.ts';
import type { ReplyOwner } from './http-reply.ts';
import { isSuccess } from './http-status.ts';
import type { HttpSendOptions } from './http-transport.ts';
import type { Lingering } from './linger.ts';
import { messageHeaders } from './message-headers.ts';
import { Refusal } from './refusal.ts';
import type { Refused, RefusalHost } from './refusal.ts';
import { withMessageHeaders } from './request-headers.ts';
import { requestIdOf } from '../rpc-message.ts';
import type { RpcId, RpcMessage } from '../rpc-message.ts';

/** How long the server may be silent over a message for whose answer nobody sets a limit, in milliseconds. */
const SILENCE_LIMIT_MS = 30_000;

/** How a kept connection ends that was given a request and could not begin with it. Nothing was sent, and a new one may well come about. */
const BROKEN_WHILE_IDLE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** Requests that must not wait for a connection behind calls; the last of them keeps its own for as long as it listens. */
const CONTROL_METHODS: ReadonlySet<unknown> = new Set([
  'ping',
  'initialize',
  'server/discover',
  'subscriptions/listen',
]);

/** What a post tells its transport beside what every request does. Nothing here throws. */
export interface PostHost extends RefusalHost {
  /** It is over, whatever became of it. */
  onSettled(post: HttpPost): void;
  /** The server has taken a notification or an answer of ours. */
  onAccepted(post: HttpPost): void;
  /** It could not be sent, since no connection came about; or it is a ping whose connection broke, and so did the next one. */
  onUnreached(post: HttpPost, fault: Fault): void;
  /** Takes the post in and starts it. */
  admit(post: HttpPost): void;
}

/**
 * One message on its way to the server and, for a request, the way back of its answer: headers, token, exchange, at most one repeat
 * after another token was got, and the verdict on a refusal. Settled exactly once.
 */
export class HttpPost implements ExchangeOwner, ReplyOwner, Refused, Lingering {
  /** Settles with the fate of the message; rejects only with a `LinkError`. */
  readonly promise: Promise<void>;
  readonly message: RpcMessage;
  readonly isRequest: boolean;
  /** Empty for a message that is no request. */
  readonly requestId: RpcId;
  /** The head of its response, once that is there. */
  head: ResponseHead | null = null;
  readonly #host: PostHost;
  readonly #options: HttpSendOptions;
  #resolve: () => void = () => undefined;
  #reject: (error: LinkError) => void = () => undefined;
  #body = '';
  #token: string | undefined;
  #exchange: HttpExchange | null = null;
  #reply: HttpReply | null = null;
  #refusal: Refusal | null = null;
  #isSent = false;
  #isMending = false;
  #isRepeat = false;
  #isRedialled = false;
  #isSettled = false;

  constructor(host: PostHost, message: RpcMessage, options: HttpSendOptions) {
    const id = requestIdOf(message);
    this.#host = host;
    this.message = message;
    this.isRequest = id !== null;
    this.requestId = id ?? '';
    this.#options = options;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get method(): unknown {
    return this.message['method'];
  }

  /** Whether it asks for no more than a proof of life: `ping`, or what the modern era has in its place. */
  get isProbe(): boolean {
    return this.method === 'ping' || this.method === 'server/discover';
  }

  /** True once a byte of the message may have left. */
  get isSent(): boolean {
    return this.#isSent;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  start(): void {
    const body = serialise(this.message);
    if (typeof body !== 'string') {
      this.fail({ kind: 'link', sent: false, fault: body });
      return;
    }
    this.#body = body;
    this.#guarded(() => this.#options.whenSettled?.(() => this.drop()));
    this.#prepare();
  }

  /** Nobody waits for it any more: its connection is freed, and what has not left never will. */
  drop(): void {
    this.fail({ kind: 'aborted', sent: this.#isSent });
  }

  fail(failure: RequestFailure, cause?: unknown): void {
    if (!this.#settle()) return;
    this.#reply?.stop();
    // The body of a refusal is short, and taking it in saves the connection; anything else is cut off.
    if (this.head === null || isSuccess(this.head.status)) this.#exchange?.abort();
    this.#reject(new LinkError(failure, cause === undefined ? undefined : { cause }));
  }

  /** It has been answered: by its own reply, by a later leg of it, or on another stream. */
  answered(): void {
    if (!this.#settle()) return;
    this.#resolve();
    this.#reply?.stop();
    if (this.#exchange === null || this.#exchange.isOver) return;
    // A stream ends by itself after the answer, nearly always with the very next bytes; where others wait it is not waited for.
    if (this.#host.pools.isCongested) this.#exchange.abort();
    else this.#host.linger.add(this);
  }

  replyFailed(fault: Fault): void {
    this.fail({ kind: 'link', sent: true, fault });
  }

  isWanted(): boolean {
    if (this.#isSettled) return false;
    try {
      return this.#options.stillWanted?.() ?? true;
    } catch (error) {
      this.#host.reportThrown(error);
      return false;
    }
  }

  onHandedOver(): void {
    this.#isSent = true;
    this.#guarded(() => this.#options.onHandedOver?.());
  }

  onUnwanted(): void {
    this.fail(NOT_WANTED);
  }

  onHead(head: ResponseHead): BodyReader | null {
    this.head = head;
    if (this.#isSettled) return null;
    if (!isSuccess(head.status)) return this.#onRefusal(head);
    if (this.isRequest) {
      this.#reply = new HttpReply(this.#host, this);
      return this.#reply.readerFor(head);
    }
    this.#host.linger.add(this);
    if (this.#settle()) {
      this.#resolve();
      this.#host.onAccepted(this);
    }
    return null;
  }

  onComplete(): void {
    this.#host.linger.remove(this);
    this.#refusal?.decide();
    this.#reply?.over(null);
  }

  onBroken(error: unknown, phase: ExchangePhase): void {
    this.#host.linger.remove(this);
    // The head has told enough; how its body ended adds nothing.
    if (this.#isSettled || this.#isMending) return;
    if (this.#refusal !== null) {
      this.#refusal.decide();
      return;
    }
    const fault = brokenFault(error, phase, this.#host.origin);
    if (phase === 'unsent' && !this.#isRedialled && BROKEN_WHILE_IDLE.has(fault.code)) {
      this.#isRedialled = true;
      // The other idle connections are likely to have met the same end.
      this.#host.pools.renew();
      this.#prepare();
    } else if (phase === 'unsent') {
      this.fail({ kind: 'link', sent: false, fault }, error);
      this.#host.onUnreached(this, fault);
    } else if (this.#reply?.isStream === true) {
      this.#reply.over(fault);
    } else if (this.isProbe) {
      this.#pingBroke(fault, error);
    } else {
      this.#host.report(fault);
      this.fail({ kind: 'link', sent: true, fault }, error);
    }
  }

  /** What still came of its response has had its time. */
  expire(): void {
    this.#exchange?.abort();
    this.#refusal?.decide();
  }

  /** The server may have closed an idle connection just then, which says nothing: it is asked once more. */
  #pingBroke(fault: Fault, error: unknown): void {
    if (!this.#isRepeat) {
      this.#isRepeat = true;
      this.head = null;
      this.#reply = null;
      this.#host.pools.renew();
      this.#prepare();
      return;
    }
    this.fail({ kind: 'link', sent: true, fault }, error);
    this.#host.onUnreached(this, fault);
  }

  #onRefusal(head: ResponseHead): BodyReader | null {
    this.#host.linger.add(this);
    if (!this.#isRepeat && this.#host.gate.canMend(head)) {
      void this.#mend(head);
      return null;
    }
    this.#refusal = new Refusal(this.#host, this, head);
    return this.#refusal.open(() => this.expire());
  }

  async #mend(head: ResponseHead): Promise<void> {
    this.#isMending = true;
    this.#isSent = false;
    this.#guarded(() => this.#options.onTurnedAway?.());
    const fault = await this.#host.gate.mend(head, this.#token);
    this.#isMending = false;
    if (this.#isSettled) return;
    if (fault !== null) {
      this.fail({ kind: 'refused', sent: true, fault });
      this.#host.onAuthRefused(this, head.status, fault);
      return;
    }
    this.#isRepeat = true;
    this.head = null;
    // Its body may still be coming, and must not end the repeat.
    this.#host.linger.remove(this);
    this.#exchange?.abort();
    this.#prepare();
  }

  /** Headers and token first, which may take their time; without a wait where neither does. */
  #prepare(): void {
    try {
      const token = this.#host.gate.token();
      if (token instanceof Promise) {
        token.then((present) => this.#compose(present)).catch((error: unknown) => this.#notPrepared(error));
      } else {
        this.#compose(token)?.catch((error: unknown) => this.#notPrepared(error));
      }
    } catch (error) {
      this.#notPrepared(error);
    }
  }

  #compose(token: string | undefined): Promise<void> | undefined {
    this.#token = token;
    const headers = this.#host.headers.compose('message', token);
    if (headers instanceof Promise) return headers.then((composed) => this.#open(composed));
    this.#open(headers);
    return undefined;
  }

  #open(composed: string[]): void {
    if (!this.isWanted()) {
      this.fail(NOT_WANTED);
      return;
    }
    const { pools, path } = this.#host;
    const headers = withMessageHeaders(composed, [...messageHeaders(this.message), ...(this.#options.headers ?? [])]);
    const lane: Lane = this.isRequest && !CONTROL_METHODS.has(this.method) ? 'data' : 'control';
    const silenceLimitMs = this.isRequest ? 0 : SILENCE_LIMIT_MS;
    this.#exchange = pools.open({ method: 'POST', path, headers, body: this.#body, lane, silenceLimitMs }, this);
  }

  #notPrepared(error: unknown): void {
    if (error instanceof LinkError) this.fail(error.failure, error.cause);
    else
      this.fail(
        { kind: 'link', sent: false, fault: misuse('not-prepared', 'The request could not be prepared.') },
        error,
      );
  }

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#host.onSettled(this);
    return true;
  }

  #guarded(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#host.reportThrown(error);
    }
  }
}

function serialise(message: RpcMessage): string | Fault {
  try {
    // JSON.stringify may give undefined, whatever its type says, and callers without types may send anything.
    const text: unknown = JSON.stringify(message);
    return typeof text === 'string' ? text : misuse('not-json', 'The message is no JSON object.');
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return misuse('not-json', `The message has no JSON form: ${detail}`);
  }
}
