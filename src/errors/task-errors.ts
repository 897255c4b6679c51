import { HoldfastError, type Outcome } from './holdfast-error.ts';

/**
 * Why a task has no result.
 *
 * | problem | meaning |
 * |---|---|
 * | `unsupported` | the server, or this tool of it, runs no tasks; nothing was sent |
 * | `too-many` | the session has as many tasks as it may; nothing was sent |
 * | `failed` | the server says that the task failed; `cause` is its error, where it gave one |
 * | `cancelled` | the task was cancelled |
 * | `lost` | the server does not know the task any more: whether it ran to its end is not known |
 */
export type TaskProblem = 'unsupported' | 'too-many' | 'failed' | 'cancelled' | 'lost';

const outcomes: Readonly<Record<TaskProblem, Outcome>> = {
  unsupported: 'not-sent',
  'too-many': 'not-sent',
  failed: 'executed',
  cancelled: 'unknown',
  lost: 'unknown',
};

/** A task has no result; `problem` says why. */
export class TaskError extends HoldfastError {
  override readonly name = 'TaskError';
  readonly problem: TaskProblem;
  readonly tool: string;
  /** Undefined when there is no task. */
  readonly taskId: string | undefined;

  constructor(
    message: string,
    details: {
      readonly serverId: string;
      readonly problem: TaskProblem;
      readonly tool: string;
      readonly taskId?: string | undefined;
      readonly cause?: unknown;
    },
  ) {
    const { serverId, problem, tool, taskId, cause } = details;
    super(message, { code: 'TASK', serverId, outcome: outcomes[problem], cause });
    this.problem = problem;
    this.tool = tool;
    this.taskId = taskId;
  }
}
