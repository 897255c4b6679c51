import type { Fault } from '../fault.ts';
import type { HttpTarget, Transport } from '../target.ts';
import type { RpcMessage } from '../rpc-message.ts';

export interface HttpTransportOptions {
  readonly target: Pick<HttpTarget, 'url' | 'headers' | 'auth' | 'onToken' | 'allowsPrivateAddresses'>;
  /** Longest message that the server may send, in decoded bytes. A longer one fails its request. Default 16 MB. */
  readonly maxMessageBytes?: number | undefined;
}

/** How one message is sent. None of the callbacks may throw; what they throw all the same is reported and changes nothing. */
export interface HttpSendOptions {
  /** Headers of this message alone, as names and values in turn. They overrule those of the same name that every message has. */
  readonly headers?: readonly string[] | undefined;
  /**
   * Asked immediately before any byte of it is written, and again before it is sent a second time, after another token was got.
   * False drops the message, and `send` rejects with `aborted`, unsent.
   */
  readonly stillWanted?: (() => boolean) | undefined;
  /** Told synchronously, immediately before it is written: from here on it may have been sent. */
  readonly onHandedOver?: (() => void) | undefined;
  /** Told when the server has turned it away unexecuted, and it waits to be sent again: until then it counts as unsent. */
  readonly onTurnedAway?: (() => void) | undefined;
  /** Told at once what to call when nobody waits for the answer any more: the HTTP request is then aborted. */
  readonly whenSettled?: ((drop: () => void) => void) | undefined;
}

/**
 * A client transport over HTTP, in the `Transport` shape of the MCP SDKs. Started once, never reused.
 *
 * `send` settles with the fate of the message: for a request, when its answer has been given to `onmessage`. It rejects only with a
 * `LinkError`. How the transport ended is in `fault`, before `onclose` is called, once and last.
 */
export interface HttpTransport extends Transport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: RpcMessage) => void) | undefined;
  readonly sessionId: string | undefined;
  readonly fault: Fault | undefined;
  /** True from the first sign of the end: nothing is sent any more. */
  readonly isEnding: boolean;
  send(message: RpcMessage, options?: HttpSendOptions): Promise<void>;
  setProtocolVersion(version: string): void;
  /** Never rejects. `graceful` says goodbye, `kill` drops every connection at once and hastens a graceful end. */
  end(mode: 'graceful' | 'kill'): Promise<void>;
}
