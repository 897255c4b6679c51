import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { doctor } from '../../src/cli/doctor/doctor.ts';
import { StderrLines } from '../../src/cli/stderr-lines.ts';
import { startLeakCheck } from '../../src/testing/index.ts';
import { built } from '../support/built.ts';
import { eventually } from '../support/eventually.ts';
import { processesMarked } from '../support/processes.ts';
import { runCli, startCli } from './cli-process.ts';

const minimal = { command: process.execPath, args: [join(import.meta.dirname, 'fixtures', 'minimal-server.mjs')] };
const faulty = join(import.meta.dirname, '..', 'fixtures', 'stdio-server.mjs');
const mark = `HOLDFAST_DOCTOR_TEST=${randomUUID()}`;
const [markName = '', markValue = ''] = mark.split('=');
const hanging = { command: process.execPath, args: [faulty, 'no-init,ignore-term'], env: { [markName]: markValue } };
const files: Readonly<Record<string, unknown>> = {
  'well.json': { mcpServers: { a: minimal, b: minimal } },
  'some.json': { mcpServers: { a: minimal, b: { command: 'no-such-program-anywhere' } } },
  'none.json': { mcpServers: { b: { command: 'no-such-program-anywhere' }, c: { command: '${DOCTOR_UNSET}' } } },
  'refused.json': { mcpServers: { c: { command: '${DOCTOR_UNSET}' } } },
  'group.json': { mcpServers: { a: minimal }, holdfast: { groups: { g: { primary: 'a', backups: ['z'] } } } },
  'empty.json': { mcpServers: {} },
  'disabled.json': { mcpServers: { a: { ...minimal, disabled: true } } },
  'hanging.json': { mcpServers: { a: minimal, h: hanging } },
  'broken.json': '{',
};
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  await built();
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('the exit code and what is told', () => {
  const ofA =
    /^a: resolve: ok \([\d.]+ ms\): \S+\na: spawn: ok [^\n]*\na: handshake: ok [^\n]*minimal 1, [^\n]*\na: probe: ok [^\n]*\na: list: ok [^\n]*: 0 tools, 0 resources, 0 prompts\na: call: skipped \(–\): the server has no tools\n/;
  const table: readonly (readonly [args: string, code: number, stdout: RegExp, stderr: RegExp])[] = [
    ['-c well.json', 0, /\n2 servers, all ok\n$/, /^$/],
    ['a -c well.json', 0, new RegExp(`${ofA.source}1 server, all ok\n$`), /^$/],
    [
      '-c some.json',
      3,
      /\nb: resolve: failed \([^\n]*\): [^\n]*; fix: Install [^\n]*\n2 servers, 1 ok, 1 failed\n$/,
      /^$/,
    ],
    ['a -c some.json', 0, /1 server, all ok\n$/, /^$/],
    ['b -c some.json', 4, /1 server, 0 ok, 1 failed\n$/, /^$/],
    ['-c none.json', 4, /\nc: configuration: failed [^\n]*\n2 servers, 0 ok, 2 failed\n$/, /^$/],
    [
      '-c refused.json',
      2,
      /^c: configuration: failed [^\n]*; fix: Set DOCTOR_UNSET[^\n]*\n1 server, 0 ok, 1 failed\n$/,
      /^$/,
    ],
    ['-c group.json', 3, /1 server, all ok\n$/, /^\S+group\.json:1:\d+: holdfast\.groups\.g\.backups[^\n]*\n$/],
    ['-c empty.json', 2, /^$/, /^\S+empty\.json: there is no server to look at\n$/],
    ['-c disabled.json', 2, /^$/, /^\S+disabled\.json: there is no server to look at \(disabled: 1\)\n$/],
    ['a -c disabled.json', 2, /^$/, /^\S+disabled\.json: the server "a" is disabled\n$/],
    ['x -c well.json', 2, /^$/, /^\S+well\.json: there is no server "x" in it\n$/],
    ['-c broken.json', 2, /^$/, /^\S+broken\.json:1:\d+: this is not JSON: /],
    ['-c nowhere.json', 2, /^$/, /^\S+nowhere\.json:1:1: the file does not exist; /],
    [
      'h -c hanging.json --timeout 3000',
      4,
      /h: handshake: failed [^\n]*; fix: See why it is slow, or raise --timeout \(3000 ms\)\.\n/,
      /^$/,
    ],
  ];

  it.each(table)('holdfast doctor %s: %i', async (args, code, stdout, stderr) => {
    const end = await runCli(['doctor', ...args.split(' ')], { cwd: folder });
    expect(end).toEqual({ code, stdout: expect.stringMatching(stdout), stderr: expect.stringMatching(stderr) });
  });
});

describe('stopping', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it with %i, without a report, and no server is left', async (signal, code) => {
    const cli = await startCli(['doctor', '-c', 'hanging.json'], { cwd: folder });
    await eventually(() => processesMarked(mark).length > 0);
    cli.signal(signal);
    expect(await cli.ended).toEqual({ code, stdout: '', stderr: '' });
    expect(processesMarked(mark)).toEqual([]);
    expect(cli.leftovers()).toEqual([]);
  });
});

describe('within a process that goes on', () => {
  it('nothing is left behind', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const leaks = startLeakCheck();
    try {
      const named = [join(folder, 'some.json')];
      const request = { files: named, trust: false, server: undefined, json: true, color: false, timeoutMs: undefined };
      expect(await doctor(request, new StderrLines({ write: () => true }))).toBe(3);
      expect(write).toHaveBeenCalledTimes(1);
    } finally {
      write.mockRestore();
    }
    await leaks.verify();
  });
});
