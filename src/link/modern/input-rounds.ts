import type { Call } from '../engine/call.ts';
import { isRecord } from '../engine/json-rpc.ts';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import type { Pending } from '../link.ts';
import type { ServerQuestions } from '../sdk/server-questions.ts';
import { answersTo, refused } from './input-answers.ts';
import { startedTask } from './task-verbs.ts';

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
  readonly #mayBeTask: boolean;
  #call: Call;
  #rounds = 0;
  #asking: AbortController | undefined;
  #cancelled: (error: LinkError) => void = () => undefined;

  /** `mayBeTask`: the server was told that it may make a task of it. */
  constructor(first: Call, sendAgain: SendAgain, questions: ServerQuestions, mayBeTask = false) {
    this.#mayBeTask = mayBeTask;
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
    if (resultType === 'task' && this.#mayBeTask) return startedTask(result);
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

  async #answers(inputRequests: readonly [string, unknown][]): Promise<Record<string, unknown>> {
    const asking = new AbortController();
    this.#asking = asking;
    try {
      return await answersTo(inputRequests, this.#questions, asking);
    } finally {
      this.#asking = undefined;
    }
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
