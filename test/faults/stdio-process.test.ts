import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
let directory: string;

beforeAll(async () => {
  sources = await built();
  directory = mkdtempSync(join(tmpdir(), 'holdfast-victims-'));
  return () => rmSync(directory, { recursive: true });
});

interface End {
  readonly output: string;
  /** Exit code and signal. */
  readonly end: readonly unknown[];
}

/** Runs the program to its end, behind a shell command that limits it; nothing that it started outlives it. */
async function run(client: 'holdfast' | 'stock', manner: string, limit = ''): Promise<End> {
  const id = randomUUID();
  const mark = `HOLDFAST_VICTIM=${id}`;
  const args = ['-c', `${limit} exec "$0" "$@"`, process.execPath, '--max-old-space-size=64', script];
  const child = spawn('/bin/sh', [...args, client === 'stock' ? 'stock' : sources, manner, join(directory, id)], {
    env: { ...process.env, HOLDFAST_VICTIM: id },
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
    const { output, end } = await run('holdfast', 'flooded');
    const report = JSON.parse(output) as { peakMb: number };
    expect(report).toMatchObject({ flood: 'CONNECT check-timeout not-sent', neighbour: ['hello', 'hello'] });
    // It has half of that when nothing happens.
    expect(report.peakMb).toBeLessThan(250);
    expect(end).toEqual([0, null]);
  });

  test('whose server pings without end and reads nothing dies of it with the stock client', async () => {
    expect(await run('stock', 'flooded')).toEqual({ output: 'connected\n', end: [null, 'SIGABRT'] });
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

describe('a program whose server has output schemas that are hard to hold its results against', unhurried, () => {
  test('gets each result, those of a schema that takes too long unchecked, and its other server answers meanwhile', async () => {
    const { output, end } = await run('holdfast', 'schemas');
    const { calls, neighbour } = JSON.parse(output) as { calls: string[]; neighbour: string[] };
    expect(calls.map((call) => call.split(' ').slice(0, 2).join(' '))).toEqual([
      'bad-ref result',
      'bad-pattern result',
      'bad-id result',
      'bad-type result',
      'same-id-a result',
      'same-id-b result',
      'pattern result',
      'pattern result',
      'pattern result',
      'doubling result',
      'shape result',
    ]);
    // Ended once, and then no more begun, which is told once.
    expect(calls.filter((call) => call.startsWith('pattern')).slice(0, 2)).toEqual([
      'pattern result too-costly',
      'pattern result quarantined',
    ]);
    expect(neighbour).toEqual(['pattern', 'pattern', 'pattern', 'doubling', 'shape']);
    expect(end).toEqual([0, null]);
  });

  test('stands still while a pattern backtracks with the stock client, and not with holdfast', async () => {
    const theirs = JSON.parse((await run('stock', 'schemas')).output) as { calls: string[]; stallMs: number };
    const ours = JSON.parse((await run('holdfast', 'schemas')).output) as { stallMs: number };
    expect(theirs.calls).toEqual(['pattern -32602']);
    expect(theirs.stallMs / ours.stallMs).toBeGreaterThan(2);
  });
});
