import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { Approvals, approvalsFile } from '../../src/cli/approvals.ts';
import { loadConfig } from '../../src/config/index.ts';
import type { LoadedConfig } from '../../src/config/index.ts';

let path: string;

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-approvals-'));
  path = join(folder, 'deep', 'approvals.json');
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
});

async function configWith(mcpServers: object, file = '/app/.mcp.json'): Promise<LoadedConfig> {
  return loadConfig(file, { env: {}, readFile: async () => JSON.stringify({ mcpServers }) });
}

async function missing(mcpServers: object, file?: string): Promise<string[]> {
  return (await new Approvals(path).missing(await configWith(mcpServers, file))).map(({ id }) => id);
}

async function approve(mcpServers: object): Promise<void> {
  await new Approvals(path).approve((await configWith(mcpServers)).servers);
}

const a = { command: 'x', args: ['1'], cwd: '/app', env: { KEY: 'v' } };

it('asks for every enabled server that starts something, until it was approved', async () => {
  const servers = { a, off: { ...a, disabled: true }, web: { url: 'https://a.example' } };
  expect(await missing(servers)).toEqual(['a']);
  await approve(servers);
  expect(await missing(servers)).toEqual([]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it.each<readonly [string, object, boolean]>([
  ['another program', { command: 'y' }, true],
  ['other arguments', { args: ['2'] }, true],
  ['another folder', { cwd: '/etc' }, true],
  ['another variable', { env: { KEY: 'v', LD_PRELOAD: 'x.so' } }, true],
  ['a variable removed', { env: { KEY: 'v', PATH: null } }, true],
  ['another value of a variable', { env: { KEY: 'w' } }, false],
])('%s: asked again is %s', async (_what, change, isAsked) => {
  await approve({ a });
  expect(await missing({ a: { ...a, ...change } })).toEqual(isAsked ? ['a'] : []);
});

it('approves for this file and this server alone, and forgets nothing of others', async () => {
  await approve({ a });
  expect(await missing({ b: a })).toEqual(['b']);
  expect(await missing({ a }, '/other/.mcp.json')).toEqual(['a']);
  await approve({ b: a });
  expect(await missing({ a, b: a })).toEqual([]);
});

it.each(['', '[]', '{"/app/.mcp.json":7}', 'null'])('approves nothing by a file that holds %j', async (text) => {
  await approve({ a });
  writeFileSync(path, text);
  expect(await missing({ a })).toEqual(['a']);
  await approve({ a });
  expect(await missing({ a })).toEqual([]);
});

it('keeps no command, no argument and no value', async () => {
  await approve({ a: { ...a, args: ['--token=canary'], env: { KEY: 'canary' } } });
  expect(readFileSync(path, 'utf8')).not.toContain('canary');
});

it('is kept with the state of this user', () => {
  expect(approvalsFile({ XDG_STATE_HOME: '/s', HOME: '/h' })).toBe('/s/holdfast/approvals.json');
  expect(approvalsFile({ HOME: '/h' })).toBe('/h/.local/state/holdfast/approvals.json');
});
