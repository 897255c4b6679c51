import type { RpcMessage } from '../rpc-message.ts';
import type { Fault } from '../fault.ts';
import { StdioTransport } from '../stdio/stdio-transport.ts';
import type { StdioTarget } from '../target.ts';
import type { Wire, WireListeners, WireSendOptions } from './wire.ts';

/** What a stdio server lets be seen beside its messages. Neither may throw. */
export interface StdioWireListeners {
  readonly onSpawned: (pid: number) => void;
  readonly onStderr: (line: string) => void;
}

/** A process at the other end. Only this wire knows whether a message was ever given to the pipe. */
export class StdioWire implements Wire {
  readonly hasReplyStreams = false;
  readonly #transport: StdioTransport;

  constructor(target: StdioTarget, listeners: StdioWireListeners) {
    this.#transport = new StdioTransport({ target, onSpawned: listeners.onSpawned, onStderr: listeners.onStderr });
  }

  get pid(): number | null {
    return this.#transport.pid;
  }

  get fault(): Fault | undefined {
    return this.#transport.fault;
  }

  get isEnding(): boolean {
    return this.#transport.exitedAt !== undefined;
  }

  get partialBytes(): number {
    return this.#transport.partialBytes;
  }

  get stderrTail(): string | undefined {
    const tail = this.#transport.stderrTail();
    return tail === '' ? undefined : tail;
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
