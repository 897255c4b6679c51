import { describe, expect, it } from 'vitest';
import type { Session, TaskState, ToolTask } from '../../src/index.ts';
import { failureOf, outcomeOf, world, type World } from './support.ts';

const capabilities = { tools: {}, tasks: { requests: { tools: { call: {} } } } };
const build = { name: 'build', inputSchema: { type: 'object' }, execution: { taskSupport: 'optional' } };
const plain = { name: 'plain', inputSchema: { type: 'object' } };
const result = { content: [{ type: 'text', text: 'built' }] };

/** A server with tasks: what it says of them, and when it was asked. */
class TaskServer {
  readonly w: World = world();
  readonly askedAtMs: number[] = [];
  session!: Session;
  says: Record<string, unknown> = { status: 'working' };
  onResult: () => Record<string, unknown> | Promise<Record<string, unknown>> = () => result;
  #started = 0;

  async open(): Promise<this> {
    const server = this.w.server('a', { capabilities, tools: [build, plain] });
    server.onRequest = (method) => {
      if (method === 'tasks/result') return this.onResult();
      if (method !== 'tasks/get') return undefined;
      this.askedAtMs.push(this.w.clock.monotonic());
      return { taskId: 't1', ...this.says };
    };
    server.onCall = () => {
      this.#started += 1;
      return { task: { taskId: `t${this.#started}`, ...this.says } };
    };
    this.session = await this.w.add('a');
    return this;
  }

  get server() {
    return this.w.server('a');
  }

  /** The times between the questions since the last one that was looked at. */
  async gaps(ms: number): Promise<number[]> {
    const from = this.askedAtMs.length;
    const began = this.w.clock.monotonic();
    await this.w.clock.advance(ms);
    const times = [began, ...this.askedAtMs.slice(from)];
    return times.slice(1).map((time, n) => time - (times[n] ?? 0));
  }
}

const statesOf = (task: ToolTask): TaskState[] => {
  const states: TaskState[] = [];
  task.state$.subscribe((state) => states.push(state));
  return states;
};

describe('a task', () => {
  it.each([
    [undefined, 1_000],
    [500, 500],
    [1, 250],
    [3_600_000, 30_000],
    ['soon', 1_000],
  ])('whose server wants to be asked every %s ms is asked about every %s ms', async (pollInterval, everyMs) => {
    const t = await new TaskServer().open();
    t.says = { status: 'working', pollInterval };
    await t.session.startTask('build');
    expect(await t.gaps(everyMs * 3)).toEqual([everyMs, everyMs, everyMs]);
  });

  it('is asked about at once when its server tells of it, and not when it tells of another', async () => {
    const t = await new TaskServer().open();
    const task = await t.session.startTask('build');
    const states = statesOf(task);
    await t.w.clock.advance(100);
    t.server.notify('notifications/tasks/status', { taskId: 'another', status: 'completed' });
    expect(await t.gaps(100)).toEqual([]);
    t.says = { status: 'working', statusMessage: 'half way' };
    t.server.notify('notifications/tasks/status', { taskId: 't1', status: 'working' });
    expect(await t.gaps(0)).toEqual([0]);
    t.says = { status: 'completed' };
    expect(await t.gaps(1_000)).toEqual([1_000]);
    expect(await task.result()).toEqual(result);
    expect(states).toEqual([
      { status: 'working', message: undefined },
      { status: 'working', message: 'half way' },
      { status: 'completed', message: undefined },
    ]);
    expect(await t.gaps(60_000)).toEqual([]);
  });

  it('waits while nobody is connected, and none of the questions in vain is a failed call', async () => {
    const t = await new TaskServer().open();
    const task = await t.session.startTask('build');
    t.server.exit();
    await t.w.clock.advance(20_000);
    expect(task.status).toBe('working');
    t.says = { status: 'completed' };
    await t.w.clock.advance(60_000);
    expect(await task.result()).toEqual(result);
    expect(t.session.info).toMatchObject({ circuit: 'closed', failedRequests: 0, generation: 2 });
  });

  it('that failed says so, with the error of the server', async () => {
    const t = await new TaskServer().open();
    t.onResult = () => {
      throw Object.assign(new Error('no disk'), { code: -32_000 });
    };
    const task = await t.session.startTask('build');
    t.says = { status: 'failed', statusMessage: 'the disk is full' };
    await t.w.clock.advance(1_000);
    expect(await failureOf(() => task.result())).toMatchObject({
      code: 'TASK',
      problem: 'failed',
      outcome: 'executed',
    });
    expect(task.statusMessage).toBe('the disk is full');
  });

  it('that failed with a result of its own gives that, and has failed', async () => {
    const t = await new TaskServer().open();
    t.onResult = () => ({ ...result, isError: true });
    const task = await t.session.startTask('build');
    const states = statesOf(task);
    t.says = { status: 'failed' };
    await t.w.clock.advance(1_000);
    expect(await task.result()).toEqual({ ...result, isError: true });
    expect(states.map(({ status }) => status)).toEqual(['working', 'failed']);
  });

  it('that waits for input is asked about meanwhile, however long whoever asks for its result waits', async () => {
    const t = await new TaskServer().open();
    let answer: (value: Record<string, unknown>) => void = () => undefined;
    t.onResult = () => new Promise((resolve) => (answer = resolve));
    const task = await t.session.startTask('build');
    const states = statesOf(task);
    t.says = { status: 'input_required' };
    await t.w.clock.advance(1_000);
    t.says = { status: 'working' };
    await t.w.clock.advance(1_000);
    expect(states.map(({ status }) => status)).toEqual(['working', 'input_required', 'working']);
    answer(result);
    await t.w.clock.advance(0);
    expect(await task.result()).toEqual(result);
  });

  it('that its server tells of while it is asked about is asked about once more', async () => {
    const t = await new TaskServer().open();
    await t.session.startTask('build');
    t.server.answerMs = 100;
    await t.w.clock.advance(1_050);
    t.server.notify('notifications/tasks/status', { taskId: 't1', status: 'working' });
    const asked = t.askedAtMs.length;
    await t.w.clock.advance(150);
    expect(t.askedAtMs.length).toBe(asked + 1);
  });

  it('is completed when the server answers at once', async () => {
    const t = await new TaskServer().open();
    t.server.onCall = () => result;
    const task = await t.session.startTask('build');
    expect([task.status, await task.result(), statesOf(task)]).toEqual([
      'completed',
      result,
      [{ status: 'completed', message: undefined }],
    ]);
    await task.cancel();
  });

  it('is one of 256 at a time, and what is over makes room', async () => {
    const t = await new TaskServer().open();
    const tasks = await Promise.all(Array.from({ length: 256 }, () => t.session.startTask('build')));
    expect(await failureOf(() => t.session.startTask('build'))).toMatchObject({
      problem: 'too-many',
      outcome: 'not-sent',
    });
    t.says = { status: 'cancelled' };
    await t.w.clock.advance(1_000);
    expect(tasks[0]?.status).toBe('cancelled');
    await t.session.startTask('build');
  });

  it('is none of a tool that may not be one, nor with options that make no sense', async () => {
    const t = await new TaskServer().open();
    expect(await failureOf(() => t.session.startTask('plain'))).toMatchObject({ code: 'TASK', problem: 'unsupported' });
    expect(await failureOf(() => t.session.startTask('build', {}, { ttlMs: 0 }))).toMatchObject({
      code: 'INVALID_OPTION',
      field: 'ttlMs',
    });
    expect(await failureOf(() => t.session.startTask(''))).toMatchObject({ code: 'INVALID_OPTION', field: 'name' });
    expect(t.server.executed).toEqual([]);
    await t.session.startTask('build');
    expect(t.server.executed).toHaveLength(1);
  });

  it('leaves nothing behind when its session is removed', async () => {
    const t = await new TaskServer().open();
    const task = await t.session.startTask('build');
    const removed = t.w.manager.removeServer('a');
    const ended = outcomeOf(task.result());
    await t.w.clock.advance(10_000);
    await removed;
    expect(ended.error()).toMatchObject({ code: 'CLOSED' });
    const asked = t.askedAtMs.length;
    await t.w.clock.advance(60_000);
    expect(t.askedAtMs).toHaveLength(asked);
  });
});
