import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { withProgress } from '../../src/cli/progress.ts';
import { StderrLines } from '../../src/cli/stderr-lines.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function stderrOf(isTTY: boolean): { readonly stderr: StderrLines; readonly written: string[] } {
  const written: string[] = [];
  const stderr = new StderrLines({
    isTTY,
    write: (text) => {
      written.push(text.replaceAll('\r\u001B[K', '<'));
    },
  });
  return { stderr, written };
}

it('what takes over a second is told on one line, counted up, which makes room for others and goes away', async () => {
  const { stderr, written } = stderrOf(true);
  let finish: (value: string) => void = () => undefined;
  const work = new Promise<string>((resolve) => {
    finish = resolve;
  });
  const done = withProgress(stderr, () => 'starting', work);
  vi.advanceTimersByTime(999);
  expect(written).toEqual([]);
  vi.advanceTimersByTime(1_001);
  expect(written.splice(0)).toEqual(['<starting, 1 s …', '<starting, 2 s …']);
  stderr.line('a warning');
  expect(written.splice(0)).toEqual(['<', 'a warning\n']);
  vi.advanceTimersByTime(1_000);
  finish('result');
  expect(await done).toBe('result');
  expect(written).toEqual(['<starting, 3 s …', '<']);
  expect(vi.getTimerCount()).toBe(0);
});

it('ends with what fails, too', async () => {
  const { stderr, written } = stderrOf(true);
  await expect(withProgress(stderr, () => 'starting', Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect([written, vi.getTimerCount()]).toEqual([[], 0]);
});

it('is told to nobody where nobody looks on', async () => {
  const { stderr, written } = stderrOf(false);
  let finish: (value: undefined) => void = () => undefined;
  const work = new Promise<undefined>((resolve) => {
    finish = resolve;
  });
  const done = withProgress(stderr, () => 'starting', work);
  vi.advanceTimersByTime(5_000);
  finish(undefined);
  await done;
  expect(written).toEqual([]);
});
