import type { Clock, TimerId } from '../actors/ports.ts';
import { InvalidResultError, ProtocolError, RpcError } from '../errors/request-errors.ts';
import { TaskError, type TaskProblem } from '../errors/task-errors.ts';
import { ClosedError } from '../errors/usage-errors.ts';
import { distinctValues } from './observing.ts';
import type { ToolResult } from './results.ts';
import type { Observable } from './rx.ts';
import { taskIn, type TaskReport, type TaskState, type TaskStatus } from './task-state.ts';

/**
 * A tool call that goes on while nobody is connected. It belongs to the session, not to a connection: after a reconnect the server is
 * asked about it again, and a server that does not know it any more makes it `lost`.
 */
export interface ToolTask {
  /** The server's own. */
  readonly id: string;
  readonly tool: string;
  readonly status: TaskStatus;
  /** What the server says about that, for people. */
  readonly statusMessage: string | undefined;
  /** The present state first, then every change. Completes when there is a result or none will come; never errors. */
  readonly state$: Observable<TaskState>;
  /** What the tool answered, also when it says itself that it failed (`isError`). Rejects with `TaskError` when there is no such answer, with `ClosedError` when the session is closed first. */
  result(): Promise<ToolResult>;
  /** Asks the server to give it up; whether it has, its status says. Rejects as a call does. */
  cancel(): Promise<void>;
}

/** What a task needs of its session. */
export interface TaskOwner {
  readonly serverId: string;
  readonly clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>;
  /** Asks the server about it: at once or not at all, and whatever comes of it moves no circuit. */
  ask(method: 'tasks/get' | 'tasks/cancel', params: { readonly taskId: string }): Promise<Record<string, unknown>>;
  /** Asks for its result, as long as a call may take. */
  fetch(tool: string, params: { readonly taskId: string }): Promise<ToolResult>;
  /** Tells of every notification until it is stopped. */
  onNotification(listener: (method: string, params: unknown) => void): () => void;
  readonly closed: Promise<void>;
  /** It is over. */
  ended(task: object): void;
}

/** The codes with which a server says that it knows no such task. */
const unknownTask: ReadonlySet<number> = new Set([-32_601, -32_602, -32_002]);

/** A task that a server runs, asked about as often as the server wants. */
export class PolledTask implements ToolTask {
  readonly id: string;
  readonly tool: string;
  readonly #owner: TaskOwner;
  readonly #result: Promise<ToolResult>;
  readonly #listeners = new Set<() => void>();
  #state: TaskState;
  #pollMs: number;
  #isOver = false;
  #isAsking = false;
  #isFetching = false;
  /** The server told of a change that it has not been asked about yet. */
  #isNews = false;
  #timer: TimerId;
  #resolve: (result: ToolResult) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  readonly #stopListening: () => void;

  constructor(owner: TaskOwner, tool: string, first: TaskReport) {
    this.id = first.id;
    this.tool = tool;
    this.#owner = owner;
    this.#state = { status: first.status, message: first.message };
    this.#pollMs = first.pollMs;
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who never asks for the result is not told of its absence.
    this.#result.catch(() => undefined);
    this.#stopListening = owner.onNotification((method, params) => this.#hear(method, params));
    void owner.closed.then(() => this.#end(new ClosedError('session', owner.serverId)));
    this.#next(first);
  }

  get status(): TaskStatus {
    return this.#state.status;
  }

  get statusMessage(): string | undefined {
    return this.#state.message;
  }

  get state$(): Observable<TaskState> {
    return distinctValues({
      read: () => this.#state,
      onChange: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      isOver: () => this.#isOver,
    });
  }

  result(): Promise<ToolResult> {
    return this.#result;
  }

  async cancel(): Promise<void> {
    if (this.#isOver) return;
    await this.#owner.ask('tasks/cancel', { taskId: this.id });
    this.#hasten();
  }

  /** What to do after a report. */
  #next(report: TaskReport): void {
    this.#pollMs = report.pollMs;
    this.#show(report);
    if (report.status === 'cancelled') {
      this.#fail('cancelled', 'was cancelled');
      return;
    }
    // A server may ask its questions only of who waits for the result; that may take long, so it is asked about meanwhile.
    if (report.status !== 'working' && !this.#isFetching) void this.#fetch(report.status);
    if (report.status === 'working' || report.status === 'input_required' || this.#isFetching) this.#wait();
  }

  async #fetch(status: TaskStatus): Promise<void> {
    this.#isFetching = true;
    try {
      const result = await this.#owner.fetch(this.tool, { taskId: this.id });
      // What was asked while it waited for input came to its end by itself: then the tool's own word says how.
      const hasFailed = status === 'failed' || (status === 'input_required' && result.isError === true);
      this.#finish(result, hasFailed ? 'failed' : 'completed');
    } catch (error) {
      if (error instanceof ClosedError) this.#end(error);
      // Not answered yet: it is asked about again.
      else if (status !== 'input_required') this.#fetchFailed(status, error);
    } finally {
      this.#isFetching = false;
    }
  }

  #fetchFailed(status: TaskStatus, error: unknown): void {
    // The result is there; only a connection, or a server that has time for us, may be wanting.
    if (!(error instanceof RpcError)) {
      if (isWrongResult(error)) this.#end(error);
      else this.#wait();
    } else if (status === 'completed' && unknownTask.has(error.rpcCode)) this.#lose(error);
    else this.#fail('failed', 'failed', error);
  }

  async #poll(): Promise<void> {
    if (this.#isOver || this.#isAsking) return;
    this.#isAsking = true;
    this.#isNews = false;
    let report: TaskReport | undefined;
    try {
      report = taskIn(await this.#owner.ask('tasks/get', { taskId: this.id }));
    } catch (error) {
      if (error instanceof RpcError && unknownTask.has(error.rpcCode)) this.#lose(error);
      else if (error instanceof ClosedError) this.#end(error);
    } finally {
      this.#isAsking = false;
    }
    if (this.#isOver) return;
    // No answer, or none that means anything: it is asked again.
    if (report?.id === this.id) this.#next(report);
    else this.#wait();
    // It told of a change after it had been asked.
    if (this.#isNews) this.#hasten();
  }

  #wait(): void {
    if (this.#isOver) return;
    this.#owner.clock.clearTimeout(this.#timer);
    this.#timer = this.#owner.clock.setTimeout(() => void this.#poll(), this.#pollMs);
  }

  #hasten(): void {
    if (this.#isOver) return;
    this.#isNews = true;
    if (this.#isAsking) return;
    this.#owner.clock.clearTimeout(this.#timer);
    void this.#poll();
  }

  /** `notifications/tasks/status` in the legacy era, `notifications/tasks` in the modern one: the answer is asked for all the same. */
  #hear(method: string, params: unknown): void {
    if (method !== 'notifications/tasks/status' && method !== 'notifications/tasks') return;
    if (taskIn(params)?.id === this.id) this.#hasten();
  }

  #show({ status, message }: TaskState): void {
    if (status === this.#state.status && message === this.#state.message) return;
    this.#state = { status, message };
    this.#tell();
  }

  #lose(cause: unknown): void {
    this.#show({ status: 'lost', message: undefined });
    this.#fail('lost', 'is not known to it any more', cause);
  }

  #fail(problem: TaskProblem, what: string, cause?: unknown): void {
    const { serverId } = this.#owner;
    const said = this.#state.message === undefined ? '' : `: ${this.#state.message}`;
    const message = `Task "${this.id}" of tool "${this.tool}" on server "${serverId}" ${what}${said}.`;
    this.#end(new TaskError(message, { serverId, problem, tool: this.tool, taskId: this.id, cause }));
  }

  #finish(result: ToolResult, status: 'completed' | 'failed'): void {
    if (this.#isOver) return;
    this.#show({ status, message: this.#state.message });
    this.#resolve(result);
    this.#end(undefined);
  }

  /** Whoever waits for a result that has not come is told why. */
  #end(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#owner.clock.clearTimeout(this.#timer);
    this.#stopListening();
    this.#reject(error);
    this.#tell();
    this.#owner.ended(this);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A call that the server answered at once, without a task. */
export function finishedTask(tool: string, result: ToolResult): ToolTask {
  const state: TaskState = { status: 'completed', message: undefined };
  return {
    id: '',
    tool,
    status: 'completed',
    statusMessage: undefined,
    state$: distinctValues({ read: () => state, onChange: () => () => undefined, isOver: () => true }),
    result: () => Promise.resolve(result),
    cancel: () => Promise.resolve(),
  };
}

/** The server answered, and will not answer anything else. */
function isWrongResult(error: unknown): boolean {
  return error instanceof ProtocolError ? error.outcome === 'executed' : error instanceof InvalidResultError;
}
