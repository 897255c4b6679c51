import { PostingTransport } from './posting-transport.ts';
import type { Fault, RequestFailure } from '../fault.ts';
import { Goodbye } from './goodbye.ts';
import { headerOf } from './http-exchange.ts';
import { BAD_SESSION_ID, CLOSED, misuse, unsent } from './http-faults.ts';
import { HttpPost } from './http-post.ts';
import type { PostHost } from './http-post.ts';
import type { StatusContext } from './http-status.ts';
import type { HttpSendOptions, HttpTransport, HttpTransportOptions } from './http-transport.ts';
import type { Refused } from './refusal.ts';
import { isAnswer } from '../rpc-message.ts';
import type { RpcMessage } from '../rpc-message.ts';
import { SessionCheck } from './session-check.ts';
import { StandbyStream } from './standby-stream.ts';

/** How long requests that are under way when the session turns out to be lost have to be refused too, each by its own status. */
const LAST_ANSWERS_MS = 250;

const HANDSHAKES_AND_PROBES: ReadonlySet<unknown> = new Set(['ping', 'initialize', 'server/discover']);

/**
 * Streamable HTTP: one session of a server, with its requests, its replies and its standby stream.
 *
 * It ends by itself when the session is lost, when the credentials are refused for good, or when a ping cannot reach the server; what
 * happens to one request or one stream otherwise is that request's failure, or a report through `onerror`.
 */
export class StreamableHttpTransport extends PostingTransport implements HttpTransport, PostHost {
  readonly path: string;
  readonly #standby: StandbyStream;
  readonly #check: SessionCheck;
  #isStarted = false;
  #isOpen = false;
  #isShut = false;
  /** Why nothing is sent any more: set at the first sign of the end. */
  #cause: Fault | null = null;
  #fault: Fault | undefined;
  #ending: Promise<void> | undefined;
  /** Cuts short what the end still waits for. */
  #hasten: (() => void) | null = null;
  #onQuiet: (() => void) | null = null;

  /** Throws a `LinkError` of the kind `config` for an address that is no URL of HTTP. */
  constructor(options: HttpTransportOptions) {
    super(options);
    this.path = `${this.url.pathname}${this.url.search}`;
    this.#standby = new StandbyStream(this);
    this.#check = new SessionCheck(this);
  }

  /** The session that the server gave with its answer to `initialize`; undefined before, and for a server without sessions. */
  get sessionId(): string | undefined {
    return this.headers.sessionId;
  }

  get fault(): Fault | undefined {
    return this.#fault;
  }

  get isEnding(): boolean {
    return this.#cause !== null;
  }

  get context(): StatusContext {
    return { holdsSession: this.headers.sessionId !== undefined, isOpen: this.#isOpen };
  }

  /** Opens no connection yet: the first message does. */
  start(): Promise<void> {
    if (this.#isStarted || this.#cause !== null) {
      return Promise.reject(unsent(this.#cause ?? misuse('already-started', 'This transport was started already.')));
    }
    this.#isStarted = true;
    return Promise.resolve();
  }

  send(message: RpcMessage, options: HttpSendOptions = {}): Promise<void> {
    if (this.#cause !== null) return Promise.reject(unsent(this.#cause));
    if (!this.#isStarted) return Promise.reject(unsent(misuse('not-started', 'The transport is not started yet.')));
    if (!this.#dropCancelled(message)) return Promise.resolve();
    const post = new HttpPost(this, message, options);
    this.admit(post);
    return post.promise;
  }

  /**
   * Ends the session. Resolves when every connection is closed and `onclose` has been called; never rejects. What is under way fails
   * at once. `graceful` tells the server by DELETE, which may take 2 s; `kill` does not, and cuts a graceful end short.
   */
  end(mode: 'graceful' | 'kill'): Promise<void> {
    this.#cause ??= CLOSED;
    if (mode === 'kill') this.#hasten?.();
    this.#ending ??= this.#end(this.#cause, { saysGoodbye: mode === 'graceful' && this.sessionId !== undefined });
    return this.#ending;
  }

  admit(post: HttpPost): void {
    if (this.#cause !== null) {
      post.fail({ kind: 'link', sent: false, fault: this.#cause });
      return;
    }
    this.begin(post);
  }

  deliver(message: RpcMessage): void {
    if (this.#isShut) return;
    const post = isAnswer(message) ? this.requestOf(message['id']) : undefined;
    if (post !== undefined) {
      if (post.method === 'initialize' && 'result' in message && !this.#openSession(post)) return;
      // The modern era has no sessions: who has said what it speaks is open.
      if (post.method === 'server/discover' && 'result' in message) this.#isOpen = true;
      post.answered();
      if (post.isProbe) this.#standby.proven();
      if (this.#check.has(post)) return;
    }
    this.guarded(() => this.onmessage?.(message));
  }

  override onSettled(post: HttpPost): void {
    super.onSettled(post);
    if (post.isProbe && post.isSent && post.head === null) this.#doubtConnections();
    if (this.posts.size === 0) this.#onQuiet?.();
  }

  onAccepted(post: HttpPost): void {
    if (post.method === 'notifications/initialized' && this.#cause === null) this.#standby.open();
  }

  onUnreached(post: HttpPost, fault: Fault): void {
    if (post.isProbe && (fault.kind === 'unreachable' || post.isSent)) this.#die(fault, 0);
    else if (post.method !== 'initialize') this.report(fault);
  }

  onAuthRefused(post: Refused, status: number, fault: Fault): void {
    if (status === 401 || HANDSHAKES_AND_PROBES.has(post.method)) this.#die(fault, 0);
  }

  onSessionLost(fault: Fault): void {
    this.#die(fault, LAST_ANSWERS_MS);
  }

  checkSession(fault: Fault): Promise<RequestFailure | null> {
    return this.#check.ask(fault);
  }

  /** Pins the session that came with the answer to `initialize`. False: that answer is no good. */
  #openSession(post: HttpPost): boolean {
    const sessionId = post.head === null ? null : headerOf(post.head, 'mcp-session-id');
    if (sessionId !== null && !/^[\x21-\x7e]+$/.test(sessionId)) {
      post.replyFailed(BAD_SESSION_ID);
      return false;
    }
    if (sessionId !== null) this.headers.pinSession(sessionId);
    this.#isOpen = true;
    return true;
  }

  /** The SDK's client tells by a message that it waits no longer. False: what it waited for never left, and the server need not know. */
  #dropCancelled(message: RpcMessage): boolean {
    const post = this.cancelledBy(message);
    if (post === undefined) return true;
    const wasSent = post.isSent;
    post.drop();
    return wasSent;
  }

  /** A ping got no answer: the connections of its time may be dead without a word, which nobody else would notice for long. */
  #doubtConnections(): void {
    this.#standby.doubt();
    this.pools.renew();
  }

  #die(fault: Fault, patienceMs: number): void {
    if (this.#cause !== null) return;
    this.#cause = fault;
    this.#ending = this.#end(fault, { patienceMs });
  }

  async #end(
    fault: Fault,
    { saysGoodbye = false, patienceMs = 0 }: { saysGoodbye?: boolean; patienceMs?: number },
  ): Promise<void> {
    this.#standby.stop();
    if (patienceMs > 0) await this.#lastAnswers(patienceMs);
    this.#isShut = true;
    for (const post of this.posts) post.fail({ kind: 'link', sent: post.isSent, fault });
    this.linger.clear();
    if (saysGoodbye) {
      const goodbye = new Goodbye(this);
      this.#hasten = () => goodbye.abort();
      await goodbye.done;
    }
    await this.pools.destroy();
    this.#fault = fault;
    this.guarded(() => this.onclose?.());
  }

  /** What was sent on a lost session is refused in its turn, which is worth a moment: what is refused may be sent again. */
  async #lastAnswers(patienceMs: number): Promise<void> {
    // The post that brought the news is still being settled.
    await Promise.resolve();
    if (this.posts.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMs);
      this.#onQuiet = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#hasten = this.#onQuiet;
    });
  }
}
