import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ServerOptions, Session, TaskStatus, ToolTask } from '../../src/index.ts';
import { errorOf, failureOf, pidOf, Stage, textOf, unhurried, untiring } from './stage.ts';

const program = join(import.meta.dirname, 'fixtures', 'task-server.mjs');

describe.each(['legacy', 'modern'] as const)('a task of a server of the %s era', (era) => {
  async function hold(options: ServerOptions = {}): Promise<{ stage: Stage; session: Session; done: () => void }> {
    const stage = new Stage();
    const target = stage.command('a', process.execPath, [program, stage.directory, era]);
    const session = await stage.add('a', target, { ...untiring, ...options });
    expect(session.info.era).toBe(era);
    return { stage, session, done: () => writeFileSync(join(stage.directory, 'done'), '') };
  }

  const statusesOf = (task: ToolTask): TaskStatus[] => {
    const seen: TaskStatus[] = [];
    task.state$.subscribe(({ status }) => seen.push(status));
    return seen;
  };

  it('outlives the process that it was started in, and is executed once', unhurried, async () => {
    const { stage, session, done } = await hold();
    const task = await session.startTask('build');
    const seen = statusesOf(task);
    expect(task).toMatchObject({ tool: 'build', status: 'working' });
    for (const generation of [2, 3]) {
      process.kill(pidOf(session), 'SIGKILL');
      await stage.reaches('a', 'connected.healthy', generation);
    }
    done();
    expect(await textOf(task.result())).toBe('built');
    expect(seen).toEqual(['working', 'completed']);
    expect(readFileSync(join(stage.directory, 'calls'), 'utf8')).toBe('.');
    await stage.close();
  });

  it('that was forgotten meanwhile is lost', unhurried, async () => {
    const { stage, session } = await hold();
    const task = await session.startTask('build');
    const seen = statusesOf(task);
    rmSync(join(stage.directory, `${task.id}.json`));
    process.kill(pidOf(session), 'SIGKILL');
    expect(await failureOf(task.result())).toMatchObject({
      code: 'TASK',
      problem: 'lost',
      outcome: 'unknown',
      taskId: task.id,
    });
    expect(seen).toEqual(['working', 'lost']);
    await stage.close();
  });

  it('that is cancelled has no result', unhurried, async () => {
    const { stage, session } = await hold();
    const task = await session.startTask('build');
    await task.cancel();
    expect(await failureOf(task.result())).toMatchObject({ code: 'TASK', problem: 'cancelled', tool: 'build' });
    expect(task.status).toBe('cancelled');
    await stage.close();
  });

  it('asks a person, once', unhurried, async () => {
    const asked: unknown[] = [];
    const { stage, session, done } = await hold({
      handlers: {
        elicit: async ({ message }) => {
          asked.push(message);
          return { action: 'accept', content: {} };
        },
      },
    });
    const task = await session.startTask('build', { ask: true });
    done();
    expect(await task.result()).toMatchObject({ answer: { action: 'accept' } });
    expect(asked).toEqual(['Go on?']);
    await stage.close();
  });

  it('ends with its session, without a result', unhurried, async () => {
    const { stage, session } = await hold();
    const task = await session.startTask('build');
    const error = errorOf(task.result());
    await stage.manager.removeServer('a');
    expect(await error).toMatchObject({ code: 'CLOSED' });
    await stage.close();
  });

  it('is not made of a call that asks for none', unhurried, async () => {
    const { stage, session } = await hold();
    const called = session.callTool('build');
    // In the modern era this server makes a task of every call, which it may not.
    const settled = { legacy: { status: 'fulfilled' }, modern: { reason: { code: 'PROTOCOL' } } };
    expect(await Promise.allSettled([called])).toMatchObject([settled[era]]);
    expect(session.state).toBe('healthy');
    await stage.close();
  });
});

it('is refused where the server runs none, before anything is sent', unhurried, async () => {
  const stage = new Stage();
  const session = await stage.add('a', stage.server('a'));
  expect(await failureOf(session.startTask('echo', { text: 'x' }))).toMatchObject({
    code: 'TASK',
    problem: 'unsupported',
    outcome: 'not-sent',
  });
  expect(stage.log('a').filter((line) => line.startsWith('call'))).toEqual([]);
  await stage.close();
});
