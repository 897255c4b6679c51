import { PostingTransport } from './posting-transport.ts';
import type { Fault, RequestFailure } from '../fault.ts';
import { CLOSED, misuse, unsent } from './http-faults.ts';
import type { HttpPost, PostHost } from './http-post.ts';
import type { StatusContext } from './http-status.ts';
import type { HttpSendOptions, HttpTransport } from './http-transport.ts';
import { parseJson } from './json-body.ts';
import { isAnswer, isRpcMessage } from '../rpc-message.ts';
import type { RpcMessage } from '../rpc-message.ts';
import { SsePost } from './sse-post.ts';
import { SseStream } from './sse-stream.ts';

/**
 * The older HTTP+SSE transport: one stream on which the server says where messages are to be posted, and then everything else.
 *
 * `send` settles when the server has taken the message; its answer comes over the stream. The session is the stream: when that ends, in
 * whatever way, the transport is down at once, and so it is when the server no longer knows the address for messages.
 */
export class SseTransport extends PostingTransport implements HttpTransport, PostHost {
  readonly sessionId = undefined;
  #stream: SseStream | undefined;
  /** Where messages go: path and query. */
  #endpoint: string | undefined;
  #onEndpoint: () => void = () => undefined;
  #onNoEndpoint: (error: Error) => void = () => undefined;
  #isOpen = false;
  /** Why nothing is sent any more: set at the first sign of the end. */
  #cause: Fault | undefined;
  #fault: Fault | undefined;
  #released: Promise<void> | undefined;

  /** How it ended; undefined as long as it stands. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  get isEnding(): boolean {
    return this.#cause !== undefined;
  }

  get path(): string {
    return this.#endpoint ?? '';
  }

  get context(): StatusContext {
    return { holdsSession: this.#endpoint !== undefined, isOpen: this.#isOpen };
  }

  /** Opens the stream. Resolves when the server has said where messages go; rejects with a `LinkError` when it does not open. */
  start(): Promise<void> {
    if (this.#stream !== undefined || this.#cause !== undefined) {
      return Promise.reject(unsent(this.#cause ?? misuse('already-started', 'This transport was started already.')));
    }
    const started = new Promise<void>((resolve, reject) => {
      this.#onEndpoint = resolve;
      this.#onNoEndpoint = reject;
    });
    this.#stream = new SseStream(this, `${this.url.pathname}${this.url.search}`, {
      onEvent: (type, data) => this.#onEvent(type, data),
      onEnd: (fault) => this.#goDown(fault),
    });
    return started;
  }

  send(message: RpcMessage, options: HttpSendOptions = {}): Promise<void> {
    if (this.#cause !== undefined) return Promise.reject(unsent(this.#cause));
    if (this.#endpoint === undefined)
      return Promise.reject(unsent(misuse('not-started', 'The transport is not started yet.')));
    if (this.#dropCancelled(message)) return Promise.resolve();
    const post = new SsePost(this, message, options);
    this.admit(post);
    return post.promise;
  }

  /** Ends the session, which has no goodbye but the end of its stream. Resolves when every connection is closed; never rejects. */
  async end(_mode: 'graceful' | 'kill'): Promise<void> {
    this.#goDown(CLOSED);
    await this.#release();
  }

  admit(post: HttpPost): void {
    this.begin(post);
  }

  deliver(message: RpcMessage): void {
    if (isAnswer(message)) {
      this.#isOpen = true;
      this.requestOf(message['id'])?.answered();
    }
    this.guarded(() => this.onmessage?.(message));
  }

  onAccepted(): void {}

  onUnreached(post: HttpPost, fault: Fault): void {
    if (post.method === 'ping' && (fault.kind === 'unreachable' || post.isSent)) this.#goDownSoon(fault);
    else if (post.method !== 'initialize') this.report(fault);
  }

  onAuthRefused(post: HttpPost, status: number, fault: Fault): void {
    if (status === 401 || post.method === 'ping' || post.method === 'initialize') this.#goDownSoon(fault);
  }

  onSessionLost(fault: Fault): void {
    this.#goDownSoon(fault);
  }

  /** The session stands as long as its stream does. */
  checkSession(): Promise<RequestFailure | null> {
    return Promise.resolve(null);
  }

  #onEvent(type: string, data: string): void {
    if (type === 'endpoint') this.#setEndpoint(data);
    if (type !== 'message') return;
    const message = parseJson(data);
    if (isRpcMessage(message)) this.deliver(message);
    else this.report(NO_MESSAGE);
  }

  #setEndpoint(data: string): void {
    const url = URL.canParse(data, this.url.href) ? new URL(data, this.url) : undefined;
    // Elsewhere our headers and tokens would be a stranger's.
    if (url?.origin !== this.origin) {
      this.#goDown(BAD_ENDPOINT);
      return;
    }
    const endpoint = `${url.pathname}${url.search}`;
    if (this.#endpoint !== undefined && this.#endpoint !== endpoint) {
      this.#goDown(ENDPOINT_MOVED);
      return;
    }
    this.#endpoint = endpoint;
    this.#onEndpoint();
  }

  /** The SDK's client tells by a message that it waits no longer. True: what it waited for never left, and the server need not know. */
  #dropCancelled(message: RpcMessage): boolean {
    const post = this.cancelledBy(message);
    if (post === undefined || post.isSent) return false;
    post.drop();
    return true;
  }

  /** For what one post has met with: that post tells its own failure first, which says more than that the transport is down. */
  #goDownSoon(fault: Fault): void {
    if (this.#cause !== undefined) return;
    this.#cause = fault;
    setImmediate(() => this.#goDown(fault));
  }

  #goDown(why: Fault): void {
    if (this.#fault !== undefined) return;
    const fault = this.#cause ?? why;
    this.#cause = fault;
    this.#fault = fault;
    this.#stream?.abort();
    for (const post of this.posts) post.fail({ kind: 'link', sent: post.isSent, fault });
    void this.#release();
    this.#onNoEndpoint(unsent(fault));
    this.guarded(() => this.onclose?.());
  }

  #release(): Promise<void> {
    this.linger.clear();
    this.#released ??= this.pools.destroy();
    return this.#released;
  }
}

const NO_MESSAGE: Fault = {
  kind: 'protocol',
  code: 'bad-message',
  message: 'The server sent an event that is no JSON-RPC message.',
};

const BAD_ENDPOINT: Fault = {
  kind: 'protocol',
  code: 'bad-endpoint',
  message: 'The server wants messages to be posted to what is no address, or one of another origin than its own.',
};

const ENDPOINT_MOVED: Fault = {
  kind: 'session-lost',
  code: 'endpoint-moved',
  message: 'The server wants messages to be posted elsewhere from now on: it has begun another session.',
};
