import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { expandedIn, noteExpanded, withExpanded } from '../../src/config/expanded-values.ts';
import { loadConfig } from '../../src/config/index.ts';
import type { ServerSpec } from '../../src/config/index.ts';

async function load(entry: object, env: Record<string, string>, inputs?: unknown): Promise<ServerSpec> {
  const text = JSON.stringify({ servers: { a: entry }, inputs });
  const config = await loadConfig('/work/mcp.json', { env, cwd: '/work', readFile: () => Promise.resolve(text) });
  expect(config.problems).toEqual([]);
  const [spec] = config.servers;
  if (spec === undefined) throw new Error('there is no server');
  return spec;
}

describe('what was expanded in an entry', () => {
  it('is known by the env of a program: from arguments and variables, by name', async () => {
    const entry = {
      command: 'server',
      args: ['--key=${KEY}', '${workspaceFolder}'],
      env: { A: 'x${env:A_VALUE}y', B: '${B_VALUE:-written here}', C: '${input:c-value}' },
    };
    const env = { KEY: 'k-1234', A_VALUE: 'a-1234', MCP_INPUT_C_VALUE: 'c-1234' };
    const { transport } = await load(entry, env);
    expect(transport.kind === 'stdio' && expandedIn(transport.env)).toEqual([
      { name: 'A_VALUE', value: 'a-1234' },
      { name: 'c-value', value: 'c-1234' },
      { name: 'KEY', value: 'k-1234' },
    ]);
  });

  it('is known by the headers of an address: from the address and headers', async () => {
    const entry = { url: 'https://example.com/${PATH_PART}', headers: { Authorization: 'Bearer ${TOKEN}' } };
    const { transport } = await load(entry, { PATH_PART: 'p-1234', TOKEN: 't-1234' });
    expect(transport.kind === 'http' && expandedIn(transport.headers)).toEqual([
      { name: 'TOKEN', value: 't-1234' },
      { name: 'PATH_PART', value: 'p-1234' },
    ]);
  });

  it('does not name where a program is and where it runs', async () => {
    const { transport } = await load({ command: '${BIN}', cwd: '${ROOT}' }, { BIN: '/opt/server', ROOT: '/srv/data' });
    expect(transport.kind === 'stdio' && expandedIn(transport.env)).toEqual([]);
  });

  it('shows in no spec', async () => {
    const { transport } = await load({ command: 'server', args: ['--verbose'], env: { A: '1${A}' } }, { A: 'a-1234' });
    const bare = { kind: 'stdio', command: 'server', args: ['--verbose'], cwd: '/work', inheritEnv: false };
    expect(transport).toEqual({ ...bare, env: { A: '1a-1234' } });
    expect(inspect(transport, { showHidden: true }).match(/a-1234/g)).toHaveLength(1);
  });
});

it('goes with a copy that is said to be one, and with no other', () => {
  const env = { A: 'a-1234' };
  noteExpanded(env, [{ name: 'A', value: 'a-1234' }]);
  expect(expandedIn(withExpanded({ ...env }, env))).toEqual([{ name: 'A', value: 'a-1234' }]);
  expect(expandedIn({ ...env })).toEqual([]);
});
