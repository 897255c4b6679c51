import type { Transport } from '../../../src/link/target.ts';

export interface WireMessage {
  readonly jsonrpc?: string;
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: unknown;
}

type Hooks = Partial<{
  start: () => unknown;
  send: (message: WireMessage) => unknown;
  close: () => unknown;
}>;

export const INITIALIZE_RESULT = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'scripted', version: '0.0.1' },
};

/** A transport that does what a test tells it and keeps what it was sent. Answers `initialize`, unless its hooks do. */
export class ScriptedTransport implements Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: never) => void) | undefined;
  readonly sent: WireMessage[] = [];
  closeCount = 0;
  readonly #hooks: Hooks;
  readonly #waiting: { method: string; resolve: (message: WireMessage) => void }[] = [];

  constructor(hooks: Hooks = {}) {
    this.#hooks = hooks;
  }

  /** Fires as if the server had sent this. */
  receive(message: unknown): void {
    // The shape of both SDKs is contravariant in a message type of theirs.
    (this.onmessage as ((message: unknown) => void) | undefined)?.(message);
  }

  answer(id: WireMessage['id'], result: unknown = {}): void {
    this.receive({ jsonrpc: '2.0', id, result });
  }

  /** The first message with this method, which may have been sent already. */
  async sentMethod(method: string): Promise<WireMessage> {
    return (
      this.sent.find((message) => message.method === method) ??
      (await new Promise((resolve) => this.#waiting.push({ method, resolve })))
    );
  }

  start(): Promise<void> {
    return outcome(this.#hooks.start?.());
  }

  send(message: WireMessage): Promise<void> {
    this.sent.push(message);
    for (const { method, resolve } of this.#waiting) if (method === message.method) resolve(message);
    if (this.#hooks.send) return outcome(this.#hooks.send(message));
    if (message.method === 'initialize') queueMicrotask(() => this.answer(message.id, INITIALIZE_RESULT));
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.closeCount += 1;
    return outcome(this.#hooks.close?.());
  }
}

/** What a hook returns is handed on as it is: a transport in the wild need not return a promise. */
function outcome(value: unknown): Promise<void> {
  return value as Promise<void>;
}
