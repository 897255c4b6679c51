import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { built } from '../support/built.ts';
import { hasTmux, patience, Terminal } from './terminal.ts';

const memory = join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/server-memory/dist/index.js');

beforeAll(async () => {
  await built();
}, 60_000);

const config = { mcpServers: { memory: { command: process.execPath, args: [memory] } } };

// Without tmux on this machine there is no terminal to show it in; CI has one, or fails.
describe.skipIf(!hasTmux)('holdfast up in a terminal', () => {
  it('shows the table and the dashboard’s address; a server that is killed shows in both; Ctrl-C leaves nothing', async () => {
    const terminal = new Terminal({ 'mcp.json': config });
    terminal.run('up', '--listen', '0', 'mcp.json');
    await expect.poll(() => terminal.screen, patience).toMatch(/^memory +healthy/mu);
    expect(terminal.screen).toMatch(/^dashboard: http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/mu);
    const [before] = (await terminal.overview()).sessions;
    expect(terminal.screen).toContain(`kill -9 ${before?.pid}`);
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await expect.poll(() => terminal.screen, patience).toMatch(/memory went down[\s\S]*memory is back \(healthy\)/u);
    const [after] = (await terminal.overview()).sessions;
    expect([after?.state, after?.generation]).toEqual(['healthy', 2]);
    await expect.poll(() => terminal.screen, patience).toMatch(new RegExp(`^memory +healthy +${after?.pid} +2 `, 'mu'));
    terminal.resize(40);
    await expect
      .poll(() => Math.max(...terminal.screen.split('\n').map(({ length }) => length)), patience)
      .toBeLessThanOrEqual(40);
    terminal.press('C-c');
    await expect.poll(() => terminal.code, patience).toBe('130');
    expect(terminal.screen).toContain('stopped');
    expect(() => process.kill(after?.pid ?? 0, 0)).toThrow('ESRCH');
    expect(readdirSync(join(terminal.folder, 'holdfast'))).toEqual([]);
  }, 60_000);

  it('top shows the table of a running up, from another terminal, and leaves it alone', async () => {
    const up = new Terminal({ 'mcp.json': config });
    const top = new Terminal({}, up.folder);
    top.run('top', '-c', 'mcp.json');
    await expect.poll(() => top.code, patience).toBe('1');
    up.run('up', '--listen', '0', 'mcp.json');
    await up.shows(/^memory +healthy/mu);
    top.run('top', '-c', 'mcp.json');
    await top.shows(/^memory +healthy[\s\S]*^Ctrl-C ends the looking; the servers stay held/mu);
    const [session] = (await up.overview()).sessions;
    process.kill(session?.pid ?? 0, 'SIGKILL');
    await top.shows(/memory went down[\s\S]*memory is back \(healthy\)[\s\S]*^memory +healthy +\d+ +2 /mu);
    top.press('C-c');
    await expect.poll(() => top.code, patience).toBe('130');
    top.run('top', '-c', 'mcp.json');
    await top.shows(/^memory +healthy +\d+ +2 /mu);
    up.press('C-c');
    await expect.poll(() => up.code, patience).toBe('130');
    await expect.poll(() => top.code, patience).toBe('0');
    expect(top.screen).toMatch(/^memory +closed[\s\S]*^stopped$/mu);
  }, 60_000);

  it('shows what was found before it starts it, once for each command, and starts nothing that was not agreed to', async () => {
    const terminal = new Terminal({ '.mcp.json': config });
    const question =
      /\.mcp\.json was found here, and would start:\s+memory: [\s\S]*server-memory[\s\S]*\nStart these\? \[y\/N\]/u;
    terminal.run('up', '--listen', '0');
    await terminal.shows(question);
    terminal.press('Enter');
    await expect.poll(() => terminal.code, patience).toBe('2');
    expect(terminal.screen).toMatch(/^holdfast: nothing was started; /mu);

    terminal.run('up', '--listen', '0');
    await terminal.shows(question);
    terminal.press('C-c');
    await expect.poll(() => terminal.code, patience).toBe('130');

    terminal.run('up', '--listen', '0');
    await terminal.shows(question);
    terminal.press('y');
    terminal.press('Enter');
    await terminal.shows(/^memory +healthy/mu);
    terminal.write('.mcp.json', {
      mcpServers: { ...config.mcpServers, sneaked: { command: 'touch', args: ['sneaked'] } },
    });
    await terminal.shows(/nobody has approved this command[\s\S]*\.mcp\.json has a mistake, see above/u);
    expect(readdirSync(terminal.folder)).not.toContain('sneaked');
    terminal.press('C-c');
    await expect.poll(() => terminal.code, patience).toBe('130');

    terminal.write('.mcp.json', config);
    terminal.run('up', '--listen', '0');
    await terminal.shows(/^memory +healthy/mu);
    expect(terminal.screen).not.toMatch(/Start these/u);
    terminal.press('C-c');
    await expect.poll(() => terminal.code, patience).toBe('130');
  }, 120_000);
});
