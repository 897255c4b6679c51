import type { RpcMessage } from '../rpc-message.ts';
import type { Fault } from '../fault.ts';
import type { WebSocketTarget } from '../target.ts';
import { WebSocketTransport } from '../web-socket/web-socket-transport.ts';
import type { Wire, WireListeners, WireSendOptions } from './wire.ts';

/** A server behind a WebSocket. Importing this file loads undici: `obtain-wire.ts` does so for such a target alone. */
export class WebSocketWire implements Wire {
  readonly hasReplyStreams = false;
  readonly pid = null;
  readonly partialBytes = 0;
  readonly stderrTail = undefined;
  readonly #transport: WebSocketTransport;

  constructor(target: WebSocketTarget) {
    this.#transport = new WebSocketTransport({ target });
  }

  get fault(): Fault | undefined {
    return this.#transport.fault;
  }

  get isEnding(): boolean {
    return this.#transport.isEnding;
  }

  async start(listeners: WireListeners): Promise<void> {
    this.#transport.onmessage = (message) => listeners.onMessage(message);
    this.#transport.onerror = (error) => listeners.onError(error);
    this.#transport.onclose = () => listeners.onClosed();
    await this.#transport.start();
  }

  send(message: RpcMessage, { call }: WireSendOptions): Promise<void> {
    return this.#transport.send(message, call);
  }

  setProtocolVersion(): void {}

  end(mode: 'graceful' | 'kill'): Promise<void> {
    return this.#transport.end(mode);
  }
}
