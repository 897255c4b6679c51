/** What the validator and its worker say to each other, and the port by which a worker is had. */
import type { OutputSchema } from './validator.ts';

/** One check. The worker answers each with one `WorkerAnswer`; it is given the next only after that. */
export interface WorkerOrder {
  readonly key: string;
  /** Null when the worker has it already. */
  readonly schema: OutputSchema | null;
  /** A key whose schema is to be forgotten first. */
  readonly forget: string | null;
  readonly value: unknown;
}

export type WorkerAnswer =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid'; readonly path: string; readonly message: string }
  /** The schema cannot be used, for this or any other result. */
  | { readonly kind: 'bad-schema'; readonly message: string }
  /** The schema could not be applied to this result. */
  | { readonly kind: 'failed'; readonly message: string };

/** The first thing that a worker says. */
export const READY = 'ready';

/** What a worker tells. Nothing comes after `ended`. */
export interface WorkerListener {
  /** It has loaded and takes orders. */
  ready(): void;
  answered(answer: WorkerAnswer): void;
  /** It is gone, by itself or terminated. */
  ended(why: { readonly outOfMemory: boolean; readonly message: string }): void;
}

/** A running worker. */
export interface CheckWorker {
  /** Hands an order over by structured clone. Throws when that is not possible. */
  post(order: WorkerOrder): void;
  /** Ends it, whatever it is doing. Resolves when it is gone; never rejects. */
  terminate(): Promise<void>;
}

/** Starts a worker. The listener is called after this has returned. May throw when there can be no worker. */
export type StartWorker = (listener: WorkerListener) => CheckWorker;

/** Whether a message of the worker is an answer. */
export function isWorkerAnswer(message: unknown): message is WorkerAnswer {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return false;
  const hasText = 'message' in message && typeof message.message === 'string';
  switch (message.kind) {
    case 'valid':
      return true;
    case 'invalid':
      return hasText && 'path' in message && typeof message.path === 'string';
    case 'bad-schema':
    case 'failed':
      return hasText;
    default:
      return false;
  }
}
