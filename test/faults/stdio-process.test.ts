import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test } from 'vitest';
import { unhurried } from '../e2e/stage.ts';
import { built } from '../support/built.ts';
import { eventually } from '../support/eventually.ts';
import { runningProcesses } from '../support/processes.ts';
import { patience } from './neighbour-stage.ts';

const script = join(import.meta.dirname, '..', 'fixtures', 'stdio-faults-victim.mjs');

let sources: string;

beforeAll(async () => {
  sources = await built();
});

interface End {
  readonly output: string;
  /** Exit code and signal. */
  readonly end: readonly unknown[];
}

/** Runs the program to its end, behind a shell command that limits it; nothing that it started outlives it. */
async function run(client: 'holdfast' | 'stock', manner: string, limit: string): Promise<End> {
  const mark = `HOLDFAST_VICTIM=${randomUUID()}`;
  const [name = '', value] = mark.split('=');
  const args = ['-c', `${limit} exec "$0" "$@"`, process.execPath, '--max-old-space-size=64', script];
  const child = spawn('/bin/sh', [...args, client === 'stock' ? 'stock' : sources, manner], {
    env: { ...process.env, [name]: value },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [output, end] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  await eventually(() => runningProcesses().every(({ pid }) => !environmentOf(pid).includes(mark)), patience);
  return { output, end };
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // It ended while we looked, or is not ours.
  }
}

describe('a program of 64 MB', unhurried, () => {
  test('whose server pings without end and reads nothing refuses that server, and its other one answers', async () => {
    const { output, end } = await run('holdfast', 'flooded', '');
    const report = JSON.parse(output) as { peakMb: number };
    expect(report).toMatchObject({ flood: 'CONNECT check-timeout not-sent', neighbour: ['hello', 'hello'] });
    // It has half of that when nothing happens.
    expect(report.peakMb).toBeLessThan(250);
    expect(end).toEqual([0, null]);
  });

  test('whose server pings without end and reads nothing dies of it with the stock client', async () => {
    expect(await run('stock', 'flooded', '')).toEqual({ output: 'connected\n', end: [null, 'SIGABRT'] });
  });

  test('that has no file descriptors left is told so by name, keeps what it has, and starts another once one is let go', async () => {
    const { output, end } = await run('holdfast', 'exhausted', 'ulimit -n 256;');
    const { refused, answers, again } = JSON.parse(output) as { refused: string; answers: string[]; again: string };
    expect([refused, again]).toEqual(['CONNECT EMFILE not-sent', 'again']);
    expect(answers.length).toBeGreaterThanOrEqual(2);
    expect(answers).toEqual(answers.map((_, index) => `server-${index}`));
    expect(end).toEqual([0, null]);
  });
});
