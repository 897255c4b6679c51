import type { Era, OpenSpec } from '../link.ts';
import type { ServerQuestions } from './server-questions.ts';
import type { WireTap } from './wire-tap.ts';

/** What a link asks of an SDK's client: the handshake, and the answers to what the server asks. */
export interface SdkClient {
  /** Performs the handshake over the tap. Rejects with whatever the SDK throws; the tap holds the server's answer as it came. */
  connect(tap: WireTap): Promise<void>;
  /** Sends a notification, unless the SDK refuses it because its capability was not declared. */
  notification(notification: { readonly method: string; readonly params?: Record<string, unknown> }): Promise<void>;
}

export interface SdkClientOptions {
  readonly clientInfo: OpenSpec['clientInfo'];
  readonly questions: ServerQuestions;
  /** The SDK complains, which it does of what it was handed and of what it could not send. Must not throw. */
  readonly onComplaint: () => void;
}

/** One SDK in one era. */
export interface Sdk {
  readonly era: Era;
  /** The protocol versions that its handshake can agree on, the most wanted first. */
  readonly versions: readonly [string, ...string[]];
  createClient(options: SdkClientOptions): SdkClient;
}

/** Gives an SDK, loading it with the first link that needs it. */
export type LoadSdk = () => Sdk | Promise<Sdk>;

/** The longest delay of a timer in Node: the SDKs insist on a time limit, and ours are the caller's. */
export const NO_TIMEOUT_MS = 2 ** 31 - 1;
