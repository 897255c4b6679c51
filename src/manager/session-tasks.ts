import { TaskError } from '../errors/task-errors.ts';
import type { CallOptions } from './call-options.ts';
import type { Call, Served } from './call.ts';
import { atLeast, objectValue, sections, text, type Rules } from './option-rules.ts';
import { isAnything, isToolResult } from './results.ts';
import type { SessionRecord } from './session-record.ts';
import { taskIn } from './task-state.ts';
import { finishedTask, PolledTask, type TaskOwner, type ToolTask } from './tool-task.ts';

export interface TaskOptions extends CallOptions {
  /** How long the server should keep the task and its result, in milliseconds. Default: what the server likes. */
  readonly ttlMs?: number | undefined;
}

const ttlRules: Rules = { ttlMs: atLeast(1) };

/** The most tasks of one session. */
const mostTasks = 256;

const tasksExtension = 'io.modelcontextprotocol/tasks';

type Perform = <Result>(call: Call<Result>) => Promise<Served<Result>>;

/** The tasks that one server runs for us. */
export class SessionTasks {
  readonly #record: SessionRecord;
  readonly #perform: Perform;
  readonly #live = new Set<object>();

  constructor(record: SessionRecord, perform: Perform) {
    this.#record = record;
    this.#perform = perform;
  }

  async start(tool: string, args: Readonly<Record<string, unknown>>, options: TaskOptions): Promise<ToolTask> {
    const { id } = this.#record;
    text(tool, 'name', id);
    objectValue(args, 'args', id);
    const { ttlMs, ...callOptions } = options;
    sections({ ttlMs }, ttlRules, '', id);
    this.#checkSupport(tool);
    if (this.#live.size >= mostTasks) {
      const problem = `Server "${id}" runs ${mostTasks} tasks for this session already; wait for one of them.`;
      throw new TaskError(problem, { serverId: id, problem: 'too-many', tool });
    }
    const slot = {};
    this.#live.add(slot);
    try {
      const { result } = await this.#perform<Record<string, unknown>>({
        method: 'tools/call',
        params: { name: tool, arguments: args, task: ttlMs === undefined ? {} : { ttl: ttlMs } },
        options: callOptions,
        tool,
        isResult: isAnything,
      });
      const first = taskIn(result['task']);
      if (first !== undefined) return this.#kept(tool, first);
      if (isToolResult(result)) return finishedTask(tool, result);
      throw new TaskError(`Server "${id}" answered the call of tool "${tool}" with neither a task nor a result.`, {
        serverId: id,
        problem: 'lost',
        tool,
      });
    } finally {
      this.#live.delete(slot);
    }
  }

  #kept(tool: string, first: NonNullable<ReturnType<typeof taskIn>>): ToolTask {
    const task = new PolledTask(this.#owner(), tool, first);
    this.#live.add(task);
    return task;
  }

  #owner(): TaskOwner {
    const record = this.#record;
    const { maxCallTimeoutMs } = record.options;
    return {
      serverId: record.id,
      clock: record.clock,
      ask: async (method, params) =>
        (await this.#perform<Record<string, unknown>>({ method, params, ...asCheck, isResult: isAnything })).result,
      fetch: async (tool, params) => {
        const options = { ...asCheck.options, timeoutMs: maxCallTimeoutMs, maxTimeoutMs: maxCallTimeoutMs };
        const call = { method: 'tasks/result', params, ...asCheck, options, tool, isResult: isToolResult };
        return (await this.#perform(call)).result;
      },
      onNotification: (listener) => record.onNotification(listener),
      closed: record.closed,
      ended: (task) => {
        this.#live.delete(task);
      },
    };
  }

  /** In the legacy era a client must not ask for a task that is not offered; in the modern one the server decides. */
  #checkSupport(tool: string): void {
    const { id, known, tools } = this.#record;
    const { facts } = known;
    // Not connected yet: the server will say.
    if (facts === null) return;
    const refuse = (why: string): never => {
      throw new TaskError(`${why}; call it with callTool.`, { serverId: id, problem: 'unsupported', tool });
    };
    const { tasks, extensions } = facts.capabilities;
    if (facts.era === 'modern') {
      if (fieldOf(extensions, tasksExtension) === undefined) refuse(`Server "${id}" runs no tasks`);
      return;
    }
    if (fieldOf(fieldOf(fieldOf(tasks, 'requests'), 'tools'), 'call') === undefined)
      refuse(`Server "${id}" runs no tasks`);
    const listed = tools.listed(tool);
    const support = fieldOf(fieldOf(listed?.tool, 'execution'), 'taskSupport');
    if (listed !== undefined && support !== 'optional' && support !== 'required')
      refuse(`Server "${id}" runs tool "${tool}" as no task`);
  }
}

/** It is asked about at once or not at all, whatever state the server is in, and says nothing about the server’s calls. */
const asCheck = {
  options: { retry: 'never', evenIfUnhealthy: true, waitForReadyMs: 0 },
  isCheck: true,
} as const;

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
