import { describe, expect, it } from 'vitest';
import { hasServers, narrowed, nothingToHold, planFromCommand, planFromConfig } from '../../src/cli/up-plan.ts';
import type { UpPlan } from '../../src/cli/up-plan.ts';
import { loadConfig } from '../../src/config/index.ts';
import { InvalidOptionError } from '../../src/index.ts';

async function planOf(config: object, file = '/home/me/app/mcp.json'): Promise<UpPlan> {
  const readFile = (): Promise<string> => Promise.resolve(JSON.stringify(config, null, 1));
  return planFromConfig(await loadConfig(file, { env: {}, readFile }), '/home/me/app');
}

const idsOf = ({ wanted }: UpPlan): string[] => [...wanted.servers, ...wanted.groups].map(({ id }) => id);

describe('from a configuration', () => {
  it('is called by the shortest path to its file', async () => {
    const config = { mcpServers: {} };
    expect(await planOf(config)).toMatchObject({ title: 'mcp.json', config: '/home/me/app/mcp.json' });
    expect((await planOf(config, '/home/me/app/sub/mcp.json')).title).toBe('sub/mcp.json');
    expect((await planOf(config, '/etc/mcp.json')).title).toBe('/etc/mcp.json');
  });

  it('has nothing to hold when every server is disabled', async () => {
    const plan = await planOf({ mcpServers: { a: { command: 'node', disabled: true } } });
    expect([hasServers(plan), nothingToHold(plan)]).toEqual([
      false,
      'mcp.json: there is no server to hold (disabled: 1)',
    ]);
    expect(nothingToHold(await planOf({ mcpServers: {} }))).toBe('mcp.json: there is no server to hold');
  });

  it('is narrowed to the servers that are asked for, and to the members of groups that are', async () => {
    const server = { command: 'node' };
    const plan = await planOf({
      mcpServers: { a: server, b: server, c: server, d: server },
      holdfast: { groups: { pair: { primary: 'a', backups: ['b'] }, other: { primary: 'c', backups: ['d'] } } },
    });
    expect(idsOf(narrowed(plan, ['pair']))).toEqual(['a', 'b', 'pair']);
    expect(idsOf(narrowed(plan, ['d']))).toEqual(['d']);
    expect(hasServers(narrowed(plan, ['e']))).toBe(false);
  });
});

describe('from a command', () => {
  it('holds one server, named after the base name, with the whole environment and in the working directory', () => {
    const env = { PATH: '/bin', API_KEY: 'k-1', UNSET: undefined };
    const plan = planFromCommand(['./bin/server', '--port', '1'], '/home/me', env);
    expect(plan).toMatchObject({ title: './bin/server', config: null });
    expect(plan.wanted.servers).toMatchObject([
      {
        id: 'server',
        transport: {
          kind: 'stdio',
          command: './bin/server',
          args: ['--port', '1'],
          cwd: '/home/me',
          env: { PATH: '/bin', API_KEY: 'k-1' },
        },
      },
    ]);
  });

  it('refuses an empty command', () => {
    expect(() => planFromCommand([''], '/home/me', {})).toThrow(InvalidOptionError);
  });
});
