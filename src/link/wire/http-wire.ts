import type { RpcMessage } from '../rpc-message.ts';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import type { HttpTransport, HttpTransportOptions } from '../http/http-transport.ts';
import { StreamableHttpTransport } from '../http/streamable-http-transport.ts';
import type { HttpTarget } from '../target.ts';
import type { Wire, WireListeners, WireSendOptions } from './wire.ts';

/** With these a server of the older HTTP+SSE transport turns away what it takes for a stray POST. */
const SSE_SUSPECT_CODES: ReadonlySet<string> = new Set(['http:400', 'http:404', 'http:405']);

/** Makes a transport for the older HTTP+SSE servers. */
export type CreateSseTransport = (options: HttpTransportOptions) => Promise<HttpTransport>;

/** A server behind HTTP: over Streamable HTTP, or over the older HTTP+SSE where the target says so or the server leaves no other way. */
export class HttpWire implements Wire {
  readonly pid = null;
  readonly partialBytes = 0;
  readonly stderrTail = undefined;
  readonly #target: HttpTarget;
  readonly #createSseTransport: CreateSseTransport;
  #transport: HttpTransport;
  #listeners: WireListeners | undefined;
  #isEnded = false;
  /** What the newer transport met with, when the older one did no better. */
  #refusal: Fault | undefined;

  private constructor(target: HttpTarget, transport: HttpTransport, createSseTransport: CreateSseTransport) {
    this.#target = target;
    this.#transport = transport;
    this.#createSseTransport = createSseTransport;
  }

  static async create(target: HttpTarget, createSseTransport: CreateSseTransport): Promise<HttpWire> {
    const transport =
      target.mode === 'sse' ? await createSseTransport({ target }) : new StreamableHttpTransport({ target });
    return new HttpWire(target, transport, createSseTransport);
  }

  get hasReplyStreams(): boolean {
    return this.#transport instanceof StreamableHttpTransport;
  }

  get fault(): Fault | undefined {
    return this.#refusal ?? this.#transport.fault;
  }

  get isEnding(): boolean {
    return this.#transport.isEnding;
  }

  async start(listeners: WireListeners): Promise<void> {
    this.#listeners = listeners;
    this.#attach(this.#transport, listeners);
    await this.#transport.start();
  }

  async send(message: RpcMessage, { call }: WireSendOptions): Promise<void> {
    try {
      await this.#transport.send(message, call);
    } catch (error) {
      const refusal = this.#mayBeOlder(message) ? refusalOf(error) : null;
      if (refusal === null || !(await this.#fallBack(refusal))) throw error;
      try {
        await this.#transport.send(message, call);
      } catch {
        // What the newer transport met with says more about a server that speaks neither.
        throw error;
      }
    }
  }

  setProtocolVersion(version: string): void {
    this.#transport.setProtocolVersion(version);
  }

  end(mode: 'graceful' | 'kill'): Promise<void> {
    this.#isEnded = true;
    return this.#transport.end(mode);
  }

  #mayBeOlder(message: RpcMessage): boolean {
    return this.#target.mode === 'auto' && message['method'] === 'initialize';
  }

  /** Takes the older transport in the place of the newer one. False: that did not work either. */
  async #fallBack(refusal: Fault): Promise<boolean> {
    const listeners = this.#listeners;
    if (listeners === undefined || this.#isEnded) return false;
    const newer = this.#transport;
    try {
      const older = await this.#createSseTransport({ target: this.#target });
      this.#transport = older;
      detach(newer);
      await newer.end('kill');
      await older.start();
      // Not before: what a transport met with that did not even start is not what became of the wire.
      this.#attach(older, listeners);
      if (!this.#isEnded) return true;
      await older.end('kill');
    } catch {
      // What the newer transport met with says more about a server that speaks neither, unless this one only wants credentials.
      if (this.#transport.fault?.kind !== 'auth') this.#refusal = refusal;
    }
    return false;
  }

  #attach(transport: HttpTransport, listeners: WireListeners): void {
    transport.onmessage = (message) => listeners.onMessage(message);
    transport.onerror = (error) => listeners.onError(error);
    transport.onclose = () => listeners.onClosed();
  }
}

/** The fault of a refusal that a server of the older transport could have given, else null. */
function refusalOf(error: unknown): Fault | null {
  if (!(error instanceof LinkError) || error.failure.kind !== 'refused') return null;
  const { fault } = error.failure;
  return SSE_SUSPECT_CODES.has(fault.code) ? fault : null;
}

function detach(transport: HttpTransport): void {
  transport.onmessage = undefined;
  transport.onerror = undefined;
  transport.onclose = undefined;
}
