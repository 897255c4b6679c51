import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { LinkError } from '../../../src/link/fault.ts';
import type { Call } from '../../../src/link/engine/call.ts';
import type { RequestEngineListeners } from '../../../src/link/engine/request-engine.ts';
import { RequestEngine } from '../../../src/link/engine/request-engine.ts';
import type { Wire } from '../../../src/link/wire/wire.ts';

/** One message that the wire was given. */
export interface Held {
  readonly message: JSONRPCMessage;
  readonly id: number | null;
  /** The transport gets round to it, once: it is written, unless nobody wants it any more. */
  write(): void;
  /** The transport gives it up, and writes it no more. */
  fail(error: Error): void;
}

/** A wire that writes a message when the test says so, and keeps what was written. `direct`: at once. */
export class PlayedWire implements Pick<Wire, 'send'> {
  readonly held: Held[] = [];
  readonly written: unknown[] = [];
  readonly #mode: 'direct' | 'held';

  constructor(mode: 'direct' | 'held' = 'direct') {
    this.#mode = mode;
  }

  send(message: JSONRPCMessage, { call }: { readonly call: Call | undefined }): Promise<void> {
    return new Promise((_resolve, reject) => {
      let isDone = false;
      const held: Held = {
        message,
        id: call?.id ?? null,
        write: () => {
          if (isDone) return;
          isDone = true;
          if (call?.settled) {
            reject(new LinkError({ kind: 'aborted', sent: false }));
            return;
          }
          call?.onHandedOver();
          this.written.push(message);
        },
        fail: (error) => {
          isDone = true;
          reject(error);
        },
      };
      this.held.push(held);
      // Only requests can be held: what is told by the way has no call to ask.
      if (this.#mode === 'direct' || call === undefined) held.write();
    });
  }
}

/** What an engine told its link. */
export class EngineLog implements RequestEngineListeners {
  readonly told: unknown[] = [];
  readonly onTransportError = (error: unknown): void => void this.told.push(['transport error', error]);
  readonly onCallbackError = (error: unknown): void => void this.told.push(['callback error', error]);
  /** How often a request was given up: what that comes to depends on the wire. */
  givenUp = 0;
  readonly onGivenUp = (): void => void (this.givenUp += 1);
  readonly onBadMessage = (): void => void this.told.push('bad message');
}

/** An engine on such a wire. */
export function playedEngine(
  mode?: 'direct' | 'held',
  ids?: ConstructorParameters<typeof RequestEngine>[2],
): { readonly engine: RequestEngine; readonly wire: PlayedWire; readonly log: EngineLog } {
  const wire = new PlayedWire(mode);
  const log = new EngineLog();
  return { engine: new RequestEngine(wire, log, ids), wire, log };
}
