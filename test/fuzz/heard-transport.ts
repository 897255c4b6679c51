import { LinkError } from '../../src/link/fault.ts';
import type { Fault } from '../../src/link/fault.ts';
import { flat } from './json-text.ts';

interface Observable {
  readonly fault: Fault | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: Readonly<Record<string, unknown>>) => void) | undefined;
}

/** Everything that a transport by itself tells. */
export class Listener {
  /** Every message, in one line of text. */
  readonly messages: string[] = [];
  /** The codes of what was reported; anything but a `LinkError` about the link is no code. */
  readonly codes: string[] = [];
  /** The fault that it ended with; more than one is one too many. */
  readonly ends: (Fault | undefined)[] = [];
  readonly ended: Promise<void>;
  #onHeard: () => void = () => undefined;

  constructor(transport: Observable) {
    transport.onmessage = (message) => {
      this.messages.push(flat(message));
      this.#onHeard();
    };
    transport.onerror = (error) => {
      const isOurs = error instanceof LinkError && error.failure.kind === 'link';
      this.codes.push(isOurs ? error.failure.fault.code : `not ours: ${String(error)}`);
      this.#onHeard();
    };
    this.ended = new Promise((resolve) => {
      transport.onclose = () => {
        this.ends.push(transport.fault);
        resolve();
      };
    });
  }

  /** Resolves when this many messages and reports have come, or the transport has ended. */
  async heard(count: number): Promise<void> {
    const arrived = new Promise<void>((resolve) => {
      this.#onHeard = () => {
        if (this.messages.length + this.codes.length >= count) resolve();
      };
      this.#onHeard();
    });
    await Promise.race([arrived, this.ended]);
  }
}
