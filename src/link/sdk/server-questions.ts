import type { ServerRequestHandlers } from '../link.ts';

/** What the link is told of the server's questions. None of these may throw. */
export interface ServerQuestionListeners {
  readonly onHandlerError: (error: unknown) => void;
  /** How many people the server waits for, whenever that changes. */
  readonly onAsking: (people: number) => void;
}

/** What a client says it can be asked. Elicitation is by form: a URL needs more than a handler. */
export interface AskableCapabilities {
  readonly elicitation?: Record<string, never>;
  readonly sampling?: Record<string, never>;
  readonly roots?: { readonly listChanged: true };
}

/** Answers one question. Rejects with an error that may be sent to the server as it is, its integer `code` with it. */
export type Answerer = (params: Record<string, unknown>, signal: AbortSignal) => Promise<Record<string, unknown>>;

/** JSON-RPC's code for a failure of ours. */
const INTERNAL_ERROR = -32_603;

/**
 * What a server may ask of this client, answered by the handlers of the client's owner; whatever has no handler is undefined here.
 *
 * What a handler throws becomes an error answer. An error with an integer `code` was meant for the server and goes out as
 * it is; of anything else the server learns only that it failed, and `onHandlerError` is told the rest.
 */
export class ServerQuestions {
  readonly capabilities: AskableCapabilities;
  readonly elicit: Answerer | undefined;
  readonly sample: Answerer | undefined;
  readonly roots: Answerer | undefined;
  readonly #listeners: ServerQuestionListeners;
  #people = 0;

  constructor(handlers: ServerRequestHandlers | undefined, listeners: ServerQuestionListeners) {
    this.#listeners = listeners;
    const { elicit, sample, roots } = handlers ?? {};
    this.capabilities = {
      ...(elicit && { elicitation: {} }),
      ...(sample && { sampling: {} }),
      ...(roots && { roots: { listChanged: true } }),
    };
    this.elicit =
      elicit && ((params, signal) => this.#asking(signal, () => this.#guarded(signal, () => elicit(params, signal))));
    this.sample = sample && ((params, signal) => this.#guarded(signal, () => sample(params, signal)));
    this.roots =
      roots &&
      ((_params, signal) =>
        this.#guarded(signal, async () => ({ roots: (await roots()).map((root) => ({ ...root })) })));
  }

  /** Who answers this method; undefined when nobody does. */
  answererOf(method: unknown): Answerer | undefined {
    switch (method) {
      case 'elicitation/create':
        return this.elicit;
      case 'sampling/createMessage':
        return this.sample;
      case 'roots/list':
        return this.roots;
      default:
        return undefined;
    }
  }

  async #asking<T>(signal: AbortSignal, answer: () => Promise<T>): Promise<T> {
    // What takes it back may have come along with it: then nobody is asked.
    await Promise.resolve();
    signal.throwIfAborted();
    let isAwaited = true;
    const over = (): void => {
      if (!isAwaited) return;
      isAwaited = false;
      this.#people -= 1;
      this.#listeners.onAsking(this.#people);
    };
    this.#people += 1;
    this.#listeners.onAsking(this.#people);
    // The server waits no longer from here on, whatever the handler makes of its signal.
    signal.addEventListener('abort', over);
    try {
      return await answer();
    } finally {
      over();
    }
  }

  async #guarded<T>(signal: AbortSignal, answer: () => Promise<T>): Promise<T> {
    try {
      return await answer();
    } catch (error) {
      // Nobody waits for the answer any more: throwing is how a handler should react to its signal.
      if (signal.aborted || isMeantForServer(error)) throw error;
      this.#listeners.onHandlerError(error);
      // No error class of an SDK: it would send its code twice, the second time in the message.
      throw Object.assign(new Error('The client failed to answer.'), { code: INTERNAL_ERROR });
    }
  }
}

function isMeantForServer(error: unknown): boolean {
  return error instanceof Error && 'code' in error && Number.isInteger(error.code);
}
