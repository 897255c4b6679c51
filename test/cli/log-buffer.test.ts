import { Subject } from 'rxjs';
import { expect, it } from 'vitest';
import { LogBuffer, tellStory } from '../../src/cli/log-buffer.ts';
import type { Logger, ManagerEvent } from '../../src/index.ts';

const nobody: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

it('keeps what a logger is told, whatever its level, and passes it on', () => {
  const passed: unknown[] = [];
  const buffer = new LogBuffer();
  const logger = buffer.noting({ ...nobody, error: (fields, message) => passed.push([fields, message]) });
  logger.debug({ serverId: 'a', generation: 1, line: 'listening\u001b[31m on 80' }, 'stderr');
  logger.error({ groupId: 'pair', err: new Error('out of luck') }, 'a group actor crashed');
  logger.warn({}, 'plain');
  expect(buffer.since(0, undefined)).toEqual({
    lines: [
      { seq: 1, at: expect.any(Number), level: 'debug', id: 'a', source: 'stderr', text: 'listening on 80' },
      {
        seq: 2,
        at: expect.any(Number),
        level: 'error',
        id: 'pair',
        source: 'holdfast',
        text: 'a group actor crashed: out of luck',
      },
      { seq: 3, at: expect.any(Number), level: 'warn', id: null, source: 'holdfast', text: 'plain' },
    ],
    next: 3,
    missed: 0,
  });
  expect(passed).toEqual([[{ groupId: 'pair', err: new Error('out of luck') }, 'a group actor crashed']]);
});

it('tells what is new, of one server or of all, and how much is gone', () => {
  const buffer = new LogBuffer();
  const logger = buffer.noting(nobody);
  for (let n = 1; n <= 6_000; n += 1) logger.debug({ serverId: n % 2 === 0 ? 'even' : 'odd', line: `${n}` }, 'stderr');
  const texts = (after: number, id?: string): string[] => buffer.since(after, id).lines.map(({ text }) => text);
  expect(texts(5_998)).toEqual(['5999', '6000']);
  expect(texts(5_996, 'odd')).toEqual(['5997', '5999']);
  expect(texts(6_000)).toEqual([]);
  expect([texts(0).length, buffer.since(0, undefined).missed, buffer.since(900, undefined).missed]).toEqual([
    5_000, 1_000, 100,
  ]);
  expect(buffer.since(1_000, undefined).missed).toBe(0);
});

it('takes no more memory than it may, however long the lines are', () => {
  const buffer = new LogBuffer();
  const logger = buffer.noting(nobody);
  for (let n = 0; n < 3_000; n += 1) logger.debug({ serverId: 'a', line: 'x'.repeat(100_000) }, 'stderr');
  const { lines, next } = buffer.since(0, undefined);
  expect(new Set(lines.map(({ text }) => text.length))).toEqual(new Set([2_001]));
  expect(lines.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(2_000_000);
  expect([next, lines.length]).toEqual([3_000, Math.floor(2_000_000 / 2_001)]);
});

it('keeps what happens to servers among what they write', () => {
  const buffer = new LogBuffer();
  const events$ = new Subject<ManagerEvent>();
  tellStory({ events$ }, buffer);
  const change = {
    serverId: 'a',
    generation: 1,
    pid: 7,
    attempt: 0,
    nextAttemptAt: null,
    type: 'stateChanged',
  } as const;
  const phases = { fromPhase: 'connected.healthy', phase: 'releasing' } as const;
  events$.next({ ...change, ...phases, seq: 1, at: 5, from: 'connecting', to: 'healthy', reason: null });
  events$.next({
    ...change,
    ...phases,
    seq: 2,
    at: 6,
    from: 'healthy',
    to: 'disconnected',
    reason: 'killed by SIGKILL',
  });
  expect(buffer.since(0, undefined).lines).toEqual([
    { seq: 1, at: 6, level: 'info', id: 'a', source: 'holdfast', text: 'went down (pid 7): killed by SIGKILL' },
  ]);
});
