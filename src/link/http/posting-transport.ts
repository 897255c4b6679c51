import type { Fault } from '../fault.ts';
import { AuthGate } from './auth-gate.ts';
import { misuse, unsent } from './http-faults.ts';
import { HttpPools } from './http-pools.ts';
import type { HttpPost } from './http-post.ts';
import type { HttpTransportOptions } from './http-transport.ts';
import { MAX_MESSAGE_BYTES } from './json-body.ts';
import { Linger } from './linger.ts';
import { ReconnectMeter } from './reconnect-meter.ts';
import { RequestHeaders } from './request-headers.ts';
import { isRpcMessage } from '../rpc-message.ts';
import type { RpcId, RpcMessage } from '../rpc-message.ts';
import { parseServerUrl } from './server-url.ts';

/** What the two transports over HTTP have in common: whoever listens to them, their connections, and the posts under way. */
export abstract class PostingTransport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: RpcMessage) => void) | undefined;

  readonly pools: HttpPools;
  readonly headers: RequestHeaders;
  readonly gate: AuthGate;
  readonly linger = new Linger();
  readonly meter = new ReconnectMeter();
  readonly origin: string;
  readonly maxMessageBytes: number;
  protected readonly url: URL;
  protected readonly posts = new Set<HttpPost>();
  readonly #requests = new Map<RpcId, HttpPost>();

  /** Throws a `LinkError` of the kind `config` for an address that is no URL of HTTP. */
  constructor({ target, maxMessageBytes }: HttpTransportOptions) {
    this.url = parseServerUrl(target.url);
    this.origin = this.url.origin;
    this.maxMessageBytes = maxMessageBytes ?? MAX_MESSAGE_BYTES;
    this.pools = new HttpPools(this.url, () => this.linger.expireOldest());
    this.headers = new RequestHeaders(target.headers);
    this.gate = new AuthGate(
      target.auth,
      { url: this.url, allowsPrivateAddresses: target.allowsPrivateAddresses },
      target.onToken,
    );
  }

  /** True from the first sign of the end: nothing is sent any more, and nothing reported. */
  abstract get isEnding(): boolean;

  abstract end(mode: 'graceful' | 'kill'): Promise<void>;

  setProtocolVersion(version: string): void {
    this.headers.setProtocolVersion(version);
  }

  /** The same as `end('graceful')`. */
  close(): Promise<void> {
    return this.end('graceful');
  }

  report(fault: Fault): void {
    if (!this.isEnding) this.guarded(() => this.onerror?.(unsent(fault)));
  }

  reportThrown(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    try {
      this.onerror?.(unsent(misuse('handler-threw', `A handler of the transport threw: ${detail}`), error));
    } catch {
      // The handler that would hear of it is the one that throws.
    }
  }

  onSettled(post: HttpPost): void {
    this.posts.delete(post);
    if (this.#requests.get(post.requestId) === post) this.#requests.delete(post.requestId);
  }

  protected begin(post: HttpPost): void {
    this.posts.add(post);
    if (post.isRequest) this.#requests.set(post.requestId, post);
    post.start();
  }

  /** The request that this is the answer to. Some servers send a number back as a string. */
  protected requestOf(id: unknown): HttpPost | undefined {
    if (typeof id === 'number') return this.#requests.get(id);
    if (typeof id !== 'string') return undefined;
    return this.#requests.get(id) ?? (/^\d{1,15}$/.test(id) ? this.#requests.get(Number(id)) : undefined);
  }

  /** The request that a cancellation is about, if it is under way. */
  protected cancelledBy(message: RpcMessage): HttpPost | undefined {
    if (message['method'] !== 'notifications/cancelled') return undefined;
    const { params } = message;
    return isRpcMessage(params) ? this.requestOf(params['requestId']) : undefined;
  }

  protected guarded(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.reportThrown(error);
    }
  }
}
