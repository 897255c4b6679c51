import type { RpcMessage } from '../rpc-message.ts';
import type { Fault } from '../fault.ts';
import type { Call } from '../engine/call.ts';

/** What comes out of a wire. None of the three may throw. */
export interface WireListeners {
  readonly onMessage: (message: unknown) => void;
  readonly onError: (error: unknown) => void;
  /** The other end is gone. */
  readonly onClosed: () => void;
}

/** How one message is sent. */
export interface WireSendOptions {
  /** The request or notification of ours that it is, undefined for anything else. */
  readonly call: Call | undefined;
  /** What an SDK's client said to its transport, for one that is an SDK's. */
  readonly sdkOptions: unknown;
}

/** The transport of one generation, reduced to what the link needs. */
export interface Wire {
  /** Process id of a stdio server once it is spawned, else null. */
  readonly pid: number | null;
  /** How the wire ended, as far as it can tell. Known before `onClosed`. */
  readonly fault: Fault | undefined;
  /** True once the peer is known to be going, though what it sent may still come in; `onClosed` follows by itself. */
  readonly isEnding: boolean;
  /** How much of a message has come without its end; 0 where messages do not come in a stream. */
  readonly partialBytes: number;
  /** The last lines that a stdio server wrote to stderr. */
  readonly stderrTail: string | undefined;
  /** Whether each reply comes on a stream of its own, whose end tells the server that its request is given up. */
  readonly hasReplyStreams: boolean;
  start(listeners: WireListeners): Promise<void>;
  /** Marks `call` as sent at the moment when the transport takes the message, and never sends for a settled call. */
  send(message: RpcMessage, options: WireSendOptions): Promise<void>;
  setProtocolVersion(version: string): void;
  /** Resolves when the peer is gone or the bound has passed; never rejects. A second, harsher call hastens the first. */
  end(mode: 'graceful' | 'kill'): Promise<void>;
}
