import type { Call } from '../engine/call.ts';
import { isRecord } from '../engine/json-rpc.ts';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import type { Pending } from '../link.ts';
import type { ServerQuestions } from '../sdk/server-questions.ts';

/** How often a server may ask for more input before one request is given up. */
const MAX_ROUNDS = 10;

/** How long to wait before a server that asks for nothing, but wants to be asked again, is asked again, in milliseconds. */
const ASK_AGAIN_MS = 250;

/** Adds the answers to the server's questions to the params of a request, and sends it again under an id of its own. */
export type SendAgain = (more: Readonly<Record<string, unknown>>) => Call;

/**
 * One request of the modern era, which the server may answer with questions (`input_required`): they are answered by the same handlers
 * that answer a legacy server's requests, and the request is sent again with the answers, at most 10 times.
 *
 * Resolves with the complete result. A question that nobody can answer, and a server that never has enough, refuse the request.
 */
export class InputRounds implements Pending<Record<string, unknown>> {
  readonly answer: Promise<Record<string, unknown>>;
  readonly #sendAgain: SendAgain;
  readonly #questions: ServerQuestions;
  #call: Call;
  #rounds = 0;
  #asking: AbortController | undefined;
  #cancelled: (error: LinkError) => void = () => undefined;

  constructor(first: Call, sendAgain: SendAgain, questions: ServerQuestions) {
    this.#call = first;
    this.#sendAgain = sendAgain;
    this.#questions = questions;
    this.answer = first.answer.then((result) => this.#take(result));
  }

  cancel(): void {
    this.#call.cancel();
    this.#asking?.abort();
    this.#cancelled(new LinkError({ kind: 'aborted', sent: true }));
  }

  #take(result: Record<string, unknown>): Record<string, unknown> | Promise<Record<string, unknown>> {
    const { resultType, ...complete } = result;
    // Left out, it is complete, as with every server of an older revision.
    if (resultType === undefined || resultType === 'complete') return complete;
    if (resultType === 'input_required') return this.#round(result);
    throw refused({
      kind: 'protocol',
      code: 'result-type',
      message: 'The server answered with a kind of result that this client does not know.',
    });
  }

  async #round({ inputRequests, requestState }: Record<string, unknown>): Promise<Record<string, unknown>> {
    const questions = isRecord(inputRequests) ? Object.entries(inputRequests) : [];
    if (questions.length === 0 && typeof requestState !== 'string') throw refused(NOTHING_ASKED);
    if (this.#rounds === MAX_ROUNDS) throw refused(TOO_MANY_ROUNDS);
    this.#rounds += 1;
    const responses = await this.#unlessCancelled(questions.length === 0 ? pause() : this.#answers(questions));
    this.#call = this.#sendAgain({
      ...(responses && { inputResponses: responses }),
      ...(typeof requestState === 'string' && { requestState }),
    });
    return this.#take(await this.#call.answer);
  }

  async #answers(questions: readonly [string, unknown][]): Promise<Record<string, unknown>> {
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const answers = await Promise.all(
        questions.map(async ([key, question]) => [key, await this.#answer(question, asking.signal)] as const),
      );
      return Object.fromEntries(answers);
    } catch (error) {
      // One question that is not answered makes the answers to the others worthless.
      asking.abort();
      throw error instanceof LinkError ? error : refused(HANDLER_FAILED, error);
    } finally {
      this.#asking = undefined;
    }
  }

  async #answer(question: unknown, signal: AbortSignal): Promise<Record<string, unknown>> {
    const method = isRecord(question) ? question['method'] : undefined;
    const params = isRecord(question) ? question['params'] : undefined;
    const answerer = this.#questions.answererOf(method);
    if (answerer === undefined) {
      const asked = typeof method === 'string' ? JSON.stringify(method.slice(0, 60)) : 'something';
      throw refused({
        kind: 'config',
        code: 'no-handler',
        message: `The server needs an answer to ${asked} first, and no handler is given for that: see "handlers" of the server's options.`,
      });
    }
    return answerer(isRecord(params) ? params : {}, signal);
  }

  /** What the caller gives up is given up at once, whatever a handler makes of its signal. */
  #unlessCancelled<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#cancelled = reject;
      promise.then(resolve, reject);
    });
  }
}

function pause(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ASK_AGAIN_MS, undefined);
  });
}

function refused(fault: Fault, cause?: unknown): LinkError {
  return new LinkError({ kind: 'refused', sent: true, fault }, cause === undefined ? undefined : { cause });
}

const NOTHING_ASKED: Fault = {
  kind: 'protocol',
  code: 'nothing-asked',
  message: 'The server wants input, and does not say which.',
};

const TOO_MANY_ROUNDS: Fault = {
  kind: 'protocol',
  code: 'too-many-rounds',
  message: `The server still wanted input after ${MAX_ROUNDS} rounds.`,
};

const HANDLER_FAILED: Fault = {
  kind: 'internal',
  code: 'handler-threw',
  message: 'The server needs an answer first, and the handler that was to give it failed.',
};
