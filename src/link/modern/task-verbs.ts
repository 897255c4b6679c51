import { isRecord } from '../engine/json-rpc.ts';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import type { Pending } from '../link.ts';
import type { ServerQuestions } from '../sdk/server-questions.ts';
import { answersTo, refused } from './input-answers.ts';

/** The extension by which servers of the modern era run tasks. */
export const TASKS = 'io.modelcontextprotocol/tasks';

type Result = Record<string, unknown>;

/** Asks the server, saying that this client knows tasks. */
export type AskAboutTask = (method: string, params: Readonly<Record<string, unknown>>) => Pending<Result>;

/** The questions of one task that are answered at the moment, or were. */
type Answered = Map<string, Set<string>>;

/**
 * Tasks of the modern era in the words of the legacy one, so that whoever uses the link need not know the era: a call with `task` gives
 * `{ task }`, `tasks/get` gives the task, `tasks/result` the result or the error that `tasks/get` has in it. What a task asks is answered by
 * the same handlers that answer everything else, once.
 */
export class TaskVerbs {
  readonly #ask: AskAboutTask;
  readonly #questions: ServerQuestions;
  readonly #onFault: (fault: Fault) => void;
  readonly #answered: Answered = new Map();

  constructor(ask: AskAboutTask, questions: ServerQuestions, onFault: (fault: Fault) => void) {
    this.#ask = ask;
    this.#questions = questions;
    this.#onFault = onFault;
  }

  get(params: Readonly<Record<string, unknown>>): Pending<Result> {
    return this.#through(this.#ask('tasks/get', params), (task) => {
      this.#answerQuestions(task);
      return legacyTask(task);
    });
  }

  result(params: Readonly<Record<string, unknown>>): Pending<Result> {
    return this.#through(this.#ask('tasks/get', params), (task) => {
      this.#answerQuestions(task);
      const { status, result, error } = task;
      if (status === 'completed' && isRecord(result)) return result;
      if (status === 'failed') throw rpcError(error);
      throw refused(NOT_OVER);
    });
  }

  #through(pending: Pending<Result>, read: (task: Result) => Result): Pending<Result> {
    return { answer: pending.answer.then(read), cancel: () => pending.cancel() };
  }

  #answerQuestions({ taskId, status, inputRequests }: Result): void {
    if (typeof taskId !== 'string') return;
    if (status !== 'input_required' || !isRecord(inputRequests)) {
      if (status !== 'working') this.#answered.delete(taskId);
      return;
    }
    const before = this.#answered.get(taskId) ?? new Set();
    const open = Object.entries(inputRequests).filter(([key]) => !before.has(key));
    if (open.length === 0) return;
    this.#answered.set(taskId, new Set([...before, ...open.map(([key]) => key)]));
    void this.#answer(taskId, open);
  }

  async #answer(taskId: string, open: readonly (readonly [string, unknown])[]): Promise<void> {
    try {
      const inputResponses = await answersTo(open, this.#questions, new AbortController());
      await this.#ask('tasks/update', { taskId, inputResponses }).answer;
    } catch (error) {
      // The task goes on asking; whoever waits for it can give it up.
      if (error instanceof LinkError && 'fault' in error.failure) this.#onFault(error.failure.fault);
    }
  }
}

/** The answer to a call that became a task, as the legacy era has it. */
export function startedTask(result: Result): Result {
  return { task: legacyTask(result) };
}

function legacyTask({ taskId, status, statusMessage, ttlMs, pollIntervalMs }: Result): Result {
  return { taskId, status, statusMessage, ttl: ttlMs, pollInterval: pollIntervalMs };
}

function rpcError(error: unknown): LinkError {
  const { code, message, data } = isRecord(error) ? error : {};
  return new LinkError({
    kind: 'rpc',
    sent: true,
    rpcCode: typeof code === 'number' ? code : -32_603,
    message: typeof message === 'string' ? message : 'The task failed.',
    data,
  });
}

const NOT_OVER: Fault = { kind: 'protocol', code: 'task-not-over', message: 'The task has no result yet.' };
