import type { RpcMessage } from '../rpc-message.ts';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import { settlesWithin } from '../settles-within.ts';
import type { Wire, WireListeners, WireSendOptions } from './wire.ts';

/** How long a transport of the caller's may take to close before the link goes on without it. */
const CUSTOM_CLOSE_LIMIT_MS = 2000;

const REQUIRED_METHODS = ['start', 'send', 'close'] as const;

/** What a caller's transport must have at run time; `target.ts` says it in the SDKs' variance. */
interface CallersTransport {
  start(): unknown;
  send(message: unknown, options?: unknown): unknown;
  close(): unknown;
  onclose?: unknown;
  onerror?: unknown;
  onmessage?: unknown;
  setProtocolVersion?: unknown;
}

/** Every transport that was ever given to a link: one connects once, whatever its factory does. */
const usedTransports = new WeakSet<object>();

/**
 * Wraps a transport of the caller's, trusting it with nothing: it may throw where it should reject, and never settle.
 * Throws a `LinkError` (kind `config`) for what is no transport and for one that was used before.
 */
export function createCustomWire(transport: unknown): Wire {
  assertTransport(transport);
  if (usedTransports.has(transport)) {
    throw configError(
      'transport-reused',
      'The transport was already used. A new connection needs a new one: return it from the factory.',
    );
  }
  usedTransports.add(transport);
  return new CustomWire(transport);
}

class CustomWire implements Wire {
  readonly hasReplyStreams = false;
  readonly pid = null;
  readonly partialBytes = 0;
  readonly fault = undefined;
  readonly isEnding = false;
  readonly stderrTail = undefined;
  readonly #transport: CallersTransport;
  #ending: Promise<void> | undefined;

  constructor(transport: CallersTransport) {
    this.#transport = transport;
  }

  async start(listeners: WireListeners): Promise<void> {
    const transport = this.#transport;
    const { onclose, onerror, onmessage } = transport;
    // Callbacks that the caller has set keep working, as under the SDK's own client.
    transport.onclose = () => {
      callPrevious(onclose, [], listeners);
      listeners.onClosed();
    };
    transport.onerror = (error: unknown) => {
      callPrevious(onerror, [error], listeners);
      listeners.onError(error);
    };
    transport.onmessage = (message: unknown, extra: unknown) => {
      callPrevious(onmessage, [message, extra], listeners);
      listeners.onMessage(message);
    };
    await transport.start();
    // It was closed before it had started: what has come up since must go too.
    if (this.#ending) await this.#close();
  }

  async send(message: RpcMessage, options: WireSendOptions): Promise<void> {
    options.call?.onHandedOver();
    await this.#transport.send(message, options.sdkOptions);
  }

  setProtocolVersion(version: string): void {
    const { setProtocolVersion } = this.#transport;
    if (typeof setProtocolVersion === 'function') setProtocolVersion.call(this.#transport, version);
  }

  end(): Promise<void> {
    this.#ending ??= settlesWithin(this.#close(), CUSTOM_CLOSE_LIMIT_MS).then(() => undefined);
    return this.#ending;
  }

  async #close(): Promise<void> {
    try {
      await this.#transport.close();
    } catch {
      // The link has ended and nobody can act on a transport that fails to close.
    }
  }
}

function callPrevious(previous: unknown, args: readonly unknown[], listeners: WireListeners): void {
  if (typeof previous !== 'function') return;
  try {
    previous(...args);
  } catch (error) {
    listeners.onError(error);
  }
}

function assertTransport(value: unknown): asserts value is CallersTransport {
  if (typeof value !== 'object' || value === null) {
    throw configError('bad-transport', `Expected a transport, got ${value === null ? 'null' : typeof value}.`);
  }
  const missing = REQUIRED_METHODS.filter((method) => typeof Reflect.get(value, method) !== 'function');
  if (missing.length > 0) {
    throw configError(
      'bad-transport',
      `The transport has no ${missing.map((method) => `${method}()`).join(' and no ')}.`,
    );
  }
}

function configError(code: string, message: string): LinkError {
  const fault: Fault = { kind: 'config', code, message };
  return new LinkError({ kind: 'link', sent: false, fault });
}
