import { isRecord } from '../engine/json-rpc.ts';
import type { ServerRequestContext, ServerRequestHandlers } from '../link.ts';
import {
  elicitationAnswer,
  elicitationMode,
  formQuestion,
  rootsAnswer,
  sampleAnswer,
  sampleQuestion,
  urlQuestion,
} from './question-shapes.ts';
import type { ShapeCheck } from './question-shapes.ts';

/** What the link is told of the server's questions. None of these may throw. */
export interface ServerQuestionListeners {
  readonly onHandlerError: (error: unknown) => void;
  /** How many people the server waits for, whenever that changes. */
  readonly onAsking: (people: number) => void;
}

/** What a client says it can be asked. */
export interface AskableCapabilities {
  readonly elicitation?: { readonly form?: Record<string, never>; readonly url?: Record<string, never> };
  readonly sampling?: Record<string, never>;
  readonly roots?: { readonly listChanged: true };
}

/** Answers one question. Rejects with an error that may be sent to the server as it is, its integer `code` with it. */
export type Answerer = (params: Record<string, unknown>, signal: AbortSignal) => Promise<Record<string, unknown>>;

type Ask = (params: Record<string, unknown>, context: ServerRequestContext) => Promise<Record<string, unknown>>;

/** JSON-RPC's codes for what is wrong with the question, and for a failure of ours. */
const METHOD_NOT_FOUND = -32_601;
const INVALID_PARAMS = -32_602;
const INTERNAL_ERROR = -32_603;

/** How many questions of one connection are answered at a time; one more is refused. */
const MAX_QUESTIONS = 64;

/**
 * What a server may ask of this client, answered by the handlers of the client's owner; nobody answers what has no handler.
 *
 * What a handler throws becomes an error answer. An error with an integer `code` was meant for the server and goes out as
 * it is; of anything else, and of an answer that the protocol does not know, the server learns only that it failed, and
 * `onHandlerError` is told the rest.
 */
export class ServerQuestions {
  readonly capabilities: AskableCapabilities;
  readonly #session: string;
  readonly #listeners: ServerQuestionListeners;
  readonly #answerers: ReadonlyMap<unknown, Answerer>;
  #open = 0;
  #people = 0;

  constructor(session: string, handlers: ServerRequestHandlers | undefined, listeners: ServerQuestionListeners) {
    this.#session = session;
    this.#listeners = listeners;
    const { elicit, elicitUrl, sample, roots } = handlers ?? {};
    const isElicited = elicit !== undefined || elicitUrl !== undefined;
    this.capabilities = {
      ...(isElicited && { elicitation: { ...(elicit && { form: {} }), ...(elicitUrl && { url: {} }) } }),
      ...(sample && { sampling: {} }),
      ...(roots && { roots: { listChanged: true } }),
    };
    const answerers = new Map<unknown, Answerer>();
    if (isElicited) answerers.set('elicitation/create', this.#elicitor(elicit, elicitUrl));
    if (sample) answerers.set('sampling/createMessage', this.#answerer(sample, sampleQuestion, sampleAnswer));
    if (roots) {
      const list: Ask = async (_params, context) => ({ roots: (await roots(context)).map((root) => ({ ...root })) });
      answerers.set(
        'roots/list',
        this.#answerer(list, () => null, rootsAnswer),
      );
    }
    this.#answerers = answerers;
  }

  /** The answer to a request of the server's. Rejects like an answerer, also when there is none. */
  async answer(method: string, params: unknown, signal: AbortSignal): Promise<Record<string, unknown>> {
    const answer = this.answererOf(method);
    if (answer === undefined) throw refusal(METHOD_NOT_FOUND, 'Method not found');
    return answer(isRecord(params) ? { ...params } : {}, signal);
  }

  /** Who answers this method; undefined when nobody does. */
  answererOf(method: unknown): Answerer | undefined {
    return this.#answerers.get(method);
  }

  #elicitor(form: Ask | undefined, url: Ask | undefined): Answerer {
    const answerers = {
      form: form && this.#answerer(this.#byPerson(form), formQuestion, elicitationAnswer),
      url: url && this.#answerer(this.#byPerson(url), urlQuestion, elicitationAnswer),
    };
    return async (params, signal) => {
      const mode = elicitationMode(params);
      const answer = mode === null ? undefined : answerers[mode];
      if (answer === undefined) throw refusal(INVALID_PARAMS, 'The client does not elicit in this mode.');
      return answer(params, signal);
    };
  }

  #answerer(ask: Ask, checkQuestion: ShapeCheck, checkAnswer: ShapeCheck): Answerer {
    return async (params, signal) => {
      const wrong = checkQuestion(params);
      if (wrong !== null) throw refusal(INVALID_PARAMS, `Invalid params: ${wrong}.`);
      if (this.#open === MAX_QUESTIONS) {
        throw refusal(INTERNAL_ERROR, `The client is answering ${MAX_QUESTIONS} requests of this server already.`);
      }
      this.#open += 1;
      try {
        return await this.#guarded(signal, () => checked(ask(params, { session: this.#session, signal }), checkAnswer));
      } finally {
        this.#open -= 1;
      }
    };
  }

  #byPerson(ask: Ask): Ask {
    return async (params, context) => {
      const { signal } = context;
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
        return await ask(params, context);
      } finally {
        over();
      }
    };
  }

  async #guarded<T>(signal: AbortSignal, answer: () => Promise<T>): Promise<T> {
    try {
      return await answer();
    } catch (error) {
      // Nobody waits for the answer any more: throwing is how a handler should react to its signal.
      if (signal.aborted || isMeantForServer(error)) throw error;
      this.#listeners.onHandlerError(error);
      throw refusal(INTERNAL_ERROR, 'The client failed to answer.');
    }
  }
}

async function checked(answer: Promise<Record<string, unknown>>, check: ShapeCheck): Promise<Record<string, unknown>> {
  const given: unknown = await answer;
  const wrong = isRecord(given) ? check(given) : 'it must be an object';
  if (wrong !== null) throw new TypeError(`The answer of a handler to its server is not valid: ${wrong}.`);
  return { ...Object(given) };
}

/** No error class of an SDK: it would send its code twice, the second time in the message. */
function refusal(code: number, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function isMeantForServer(error: unknown): boolean {
  return error instanceof Error && 'code' in error && Number.isInteger(error.code);
}
