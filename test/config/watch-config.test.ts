import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadConfig, watchConfig } from '../../src/config/index.ts';

/** What a watcher was told, one after the other: the ids of the servers, or what is wrong. */
class Told {
  readonly lines: string[] = [];
  #woken: () => void = () => undefined;

  readonly watcher = {
    onChange: ({ servers, problems }: Awaited<ReturnType<typeof loadConfig>>): void => {
      this.#add([...servers.map(({ id }) => id), ...problems.map(({ problem }) => `! ${problem}`)].join(' '));
    },
    onBroken: ({ line, problem }: { readonly line: number; readonly problem: string }): void => {
      this.#add(`broken in line ${line}: ${problem}`);
    },
  };

  async next(): Promise<string> {
    while (this.lines.length === 0) {
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
    return this.lines.shift() ?? '';
  }

  #add(line: string): void {
    this.lines.push(line);
    this.#woken();
  }
}

const folderOf = (files: Readonly<Record<string, string>>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-watch-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
};

const holding = (...ids: readonly string[]): string =>
  JSON.stringify({ mcpServers: Object.fromEntries(ids.map((id) => [id, { command: 'x' }])) });

async function watching(file: string): Promise<Told> {
  const told = new Told();
  const loaded = await loadConfig(file, { env: {} });
  onTestFinished(watchConfig(file, loaded, told.watcher, { env: {}, intervalMs: 10, settleMs: 20 }));
  return told;
}

it('tells each change, a broken one with its place, and a good one after it even if it is the one before', async () => {
  const folder = folderOf({ 'mcp.json': holding('a') });
  const file = join(folder, 'mcp.json');
  const told = await watching(file);
  writeFileSync(file, holding('a', 'b'));
  expect(await told.next()).toBe('a b');
  writeFileSync(file, '{\n "mcpServers": oops }');
  expect(await told.next()).toMatch(/^broken in line 2: /u);
  writeFileSync(file, holding('a', 'b'));
  expect(await told.next()).toBe('a b');
  writeFileSync(file, JSON.stringify({ mcpServers: { a: {} } }));
  expect(await told.next()).toBe('! the server has neither "command" nor "url"');
  rmSync(file);
  expect(await told.next()).toBe('broken in line 1: the file does not exist');
  writeFileSync(`${file}.new`, holding('c'));
  renameSync(`${file}.new`, file);
  expect(await told.next()).toBe('c');
  expect(told.lines).toEqual([]);
});

it('follows files that are extended, environment files, and links that are pointed elsewhere', async () => {
  const folder = folderOf({ 'base.json': holding('base'), 'some.env': 'A=1' });
  for (const [name, id] of [
    ['one', 'a'],
    ['two', 'b'],
  ] as const) {
    mkdirSync(join(folder, name));
    const text = { extends: '../base.json', mcpServers: { [id]: { command: 'x', envFile: '../some.env' } } };
    writeFileSync(join(folder, name, 'mcp.json'), JSON.stringify(text));
  }
  const link = join(folder, 'link');
  symlinkSync(join(folder, 'one'), link);
  const told = await watching(join(link, 'mcp.json'));
  symlinkSync(join(folder, 'two'), `${link}2`);
  renameSync(`${link}2`, link);
  expect(await told.next()).toBe('base b');
  writeFileSync(join(folder, 'some.env'), 'A=23');
  expect(await told.next()).toBe('base b');
  writeFileSync(join(folder, 'base.json'), holding('base', 'more'));
  expect(await told.next()).toBe('base more b');
});

it('tells a change that came before it was watched', async () => {
  const folder = folderOf({ 'mcp.json': holding('a') });
  const file = join(folder, 'mcp.json');
  const loaded = await loadConfig(file, { env: {} });
  writeFileSync(file, holding('b'));
  const told = new Told();
  onTestFinished(watchConfig(undefined, loaded, told.watcher, { env: {}, settleMs: 1 }));
  expect(await told.next()).toBe('b');
});

it('does not tell a file that is being written, nor one that was only touched', async () => {
  let text = holding('a');
  const folder = folderOf({ 'mcp.json': text });
  const file = join(folder, 'mcp.json');
  const reads: string[] = [];
  const readFile = async (): Promise<string> => {
    // What a writer had written by the first look is not all that it writes.
    const seen = text;
    reads.push(seen);
    if (text === '{ "mcpServers"') text = holding('a', 'b');
    return seen;
  };
  const loaded = await loadConfig(file, { env: {}, readFile });
  text = '{ "mcpServers"';
  const told = new Told();
  onTestFinished(watchConfig(file, loaded, told.watcher, { env: {}, readFile, intervalMs: 10, settleMs: 1 }));
  expect(await told.next()).toBe('a b');
  expect(reads.filter((each) => each === '{ "mcpServers"')).toHaveLength(1);
  const before = reads.length;
  writeFileSync(file, 'touched');
  await expect.poll(() => reads.length).toBeGreaterThan(before);
  text = holding('c');
  writeFileSync(file, 'touched again');
  expect(await told.next()).toBe('c');
});

it('tells nothing once it was stopped', async () => {
  const folder = folderOf({ 'mcp.json': holding('a') });
  const file = join(folder, 'mcp.json');
  const loaded = await loadConfig(file, { env: {} });
  writeFileSync(file, holding('b'));
  const told = new Told();
  const others = new Told();
  watchConfig(file, loaded, told.watcher, { env: {}, settleMs: 1 })();
  onTestFinished(watchConfig(file, loaded, others.watcher, { env: {}, settleMs: 1 }));
  await others.next();
  expect(told.lines).toEqual([]);
});
