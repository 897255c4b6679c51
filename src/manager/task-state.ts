/** What a server says of a task, and `lost` when it does not know it any more. */
export type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled' | 'lost';

/** A task at one moment. */
export interface TaskState {
  readonly status: TaskStatus;
  /** The server's own words. */
  readonly message: string | undefined;
}

/** How a server is asked about a task: not more often than it wants, in milliseconds. */
const defaultPollMs = 1_000;
const shortestPollMs = 250;
const longestPollMs = 30_000;

const statuses = ['working', 'input_required', 'completed', 'failed', 'cancelled'] as const;

/** What a server said of a task. */
export interface TaskReport extends TaskState {
  readonly id: string;
  readonly pollMs: number;
}

/** Undefined for what is no task. */
export function taskIn(said: unknown): TaskReport | undefined {
  if (typeof said !== 'object' || said === null) return undefined;
  const { taskId, status, statusMessage, pollInterval }: Readonly<Record<string, unknown>> = { ...said };
  const known = statuses.find((each) => each === status);
  if (typeof taskId !== 'string' || known === undefined) return undefined;
  const pollMs = typeof pollInterval === 'number' && pollInterval > 0 ? pollInterval : defaultPollMs;
  return {
    id: taskId,
    status: known,
    message: typeof statusMessage === 'string' ? statusMessage : undefined,
    pollMs: Math.min(Math.max(pollMs, shortestPollMs), longestPollMs),
  };
}
