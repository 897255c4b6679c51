import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorReport } from '../../src/cli/doctor/report.ts';
import { selfSigned } from '../faults/self-signed.ts';
import { built } from '../support/built.ts';
import { EverythingOverHttp, HttpFixture } from '../support/http-fixture.ts';
import { CliProcess } from './cli-process.ts';

const root = join(import.meta.dirname, '..', '..');
const everything = join(root, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');
const faulty = join(root, 'test/fixtures/stdio-server.mjs');
const toolsServer = join(import.meta.dirname, 'fixtures/tools-server.mjs');
const node = process.execPath;
const secret = 'pa55-w0rd-of-the-doctor';

const readOnly = { readOnlyHint: true };
const withTools = (tools: readonly unknown[], ...rest: readonly string[]) => ({
  command: node,
  args: [toolsServer, JSON.stringify(tools), ...rest],
});
const withFault = (fault: string) => ({ command: node, args: [faulty, fault] });
const sh = (script: string) => ({ command: 'sh', args: ['-c', script] });

let folder: string;
let report: DoctorReport;
let code: number | null;
let stdout: string;
const http = new HttpFixture();
const locked = new HttpFixture({ auth: { tokens: ['the-right-token'], challenge: false } });
const listless = new HttpFixture({ faults: [{ on: 'tools/list', do: 'status', status: 500 }] });
const remote = new EverythingOverHttp();
const tls = createServer(selfSigned);
const mute = createTcpServer();

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = createTcpServer();
  const port = await listening(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** Of the server of this id. */
function reportOf(id: string) {
  const found = report.servers.find((each) => each.id === id);
  if (found === undefined) throw new Error(`nothing is told of ${id}`);
  return found;
}

beforeAll(async () => {
  const [dist] = await Promise.all([built(), http.start(), locked.start(), listless.start(), remote.start()]);
  folder = await mkdtemp(join(tmpdir(), 'holdfast-doctor-'));
  const file = join(folder, 'mcp.json');
  await writeFile(join(folder, 'plain.txt'), 'no program\n');
  await writeFile(join(folder, 'orphan'), '#!/nowhere/interpreter\n');
  await chmod(join(folder, 'orphan'), 0o755);
  const tlsUrl = `https://127.0.0.1:${await listening(tls)}/mcp`;
  const muteUrl = `http://127.0.0.1:${await listening(mute)}/mcp`;
  const mcpServers = {
    everything: { command: node, args: [everything] },
    remote: { url: remote.url },
    typo: { command: 'nodee' },
    'no-path': { command: './nowhere/server' },
    'no-program': { command: './plain.txt', cwd: folder },
    'no-folder': { command: node, cwd: join(folder, 'nowhere') },
    'no-interpreter': { command: './orphan', cwd: folder },
    exits: { ...sh('echo hello >&2; echo "the key $KEY is bad" >&2; exit 3'), env: { KEY: '${DOCTOR_SECRET}' } },
    'exits-well': sh('exit 0'),
    'not-installed': sh('no-such-program-anywhere'),
    killed: sh('kill -9 $$'),
    never: withFault('no-init'),
    talkative: sh('echo listening; exec sleep 100'),
    'no-ping': withFault('no-ping'),
    variable: { command: '${DOCTOR_UNSET}' },
    refused: { url: `http://127.0.0.1:${await freePort()}/mcp` },
    nameless: { url: 'http://nowhere.invalid/mcp' },
    'self-signed': { url: tlsUrl },
    'no-tls': { url: http.url.replace('http:', 'https:') },
    'no-token': { url: locked.url },
    'bad-token': { url: locked.url, headers: { Authorization: `Bearer ${secret}` } },
    'no-mcp': { url: http.url.replace('/mcp', '/nothing/here') },
    mute: { url: muteUrl },
    listless: { url: listless.url },
    sulks: {
      ...withTools([{ name: 'sulks', annotations: readOnly }]),
      env: { SAYS: `no: ${secret} ${'x'.repeat(180)} ${secret}`, TOKEN: secret },
    },
    hangs: withTools([{ name: 'hangs', annotations: readOnly }]),
    dies: withTools([{ name: 'dies', annotations: readOnly }]),
    harmful: withTools(
      [{ name: 'drop', annotations: { idempotentHint: true } }, { name: 'add' }],
      join(folder, 'calls'),
    ),
    off: { command: 'nothing', disabled: true },
  };
  const quick = { connectTimeoutMs: 4_000 };
  const servers = {
    never: quick,
    talkative: quick,
    mute: quick,
    hangs: { callTimeoutMs: 1_500 },
    'no-ping': { healthCheck: { timeoutMs: 300 } },
  };
  await writeFile(file, JSON.stringify({ mcpServers, holdfast: { servers } }));
  const args = [join(dist, 'cli/main.js'), 'doctor', '-c', file, '--json'];
  const end = await new CliProcess(args, { cwd: folder, env: { DOCTOR_SECRET: secret } }).ended;
  expect(end.stderr).toBe('');
  ({ code, stdout } = end);
  report = JSON.parse(stdout) as DoctorReport;
});

afterAll(async () => {
  for (const server of [tls, mute]) server.close();
  await Promise.all([http.kill(), locked.kill(), listless.kill(), remote.kill()]);
  await rm(folder, { recursive: true });
});

describe('servers that are well', () => {
  it('a server over stdio goes through every step', () => {
    const { status, steps, server, protocolVersion, era, tools, resources, prompts, transport } =
      reportOf('everything');
    expect({ status, transport, protocolVersion, era, resources, prompts }).toEqual({
      status: 'ok',
      transport: 'stdio',
      protocolVersion: '2025-11-25',
      era: 'legacy',
      resources: 7,
      prompts: 4,
    });
    expect(server?.name).toBe('mcp-servers/everything');
    expect(tools).toContain('echo');
    expect(steps).toEqual([
      { step: 'resolve', status: 'ok', ms: expect.any(Number), detail: node },
      { step: 'spawn', status: 'ok', ms: expect.any(Number), detail: expect.stringMatching(/^pid \d+$/) },
      { step: 'handshake', status: 'ok', ms: expect.any(Number), detail: expect.stringMatching(/\(legacy\)$/) },
      { step: 'probe', status: 'ok', ms: expect.any(Number), detail: 'ping answered' },
      { step: 'list', status: 'ok', ms: expect.any(Number), detail: '13 tools, 7 resources, 4 prompts' },
      { step: 'call', status: 'ok', ms: expect.any(Number), detail: 'get-env' },
    ]);
  });

  it('a server over HTTP is dialled instead of spawned', () => {
    const { status, steps } = reportOf('remote');
    expect([status, ...steps.map(({ step, detail }) => [step, detail])].slice(0, 3)).toEqual([
      'ok',
      ['resolve', '127.0.0.1'],
      ['dial', `127.0.0.1:${remote.port}`],
    ]);
    expect(steps.map(({ step }) => step)).toEqual(['resolve', 'dial', 'handshake', 'probe', 'list', 'call']);
  });

  it('a tool that is not said to be read-only is never called', async () => {
    const { status, steps } = reportOf('harmful');
    expect(status).toBe('ok');
    expect(steps.at(-1)).toEqual({
      step: 'call',
      status: 'skipped',
      ms: 0,
      detail: 'no tool is said to be read-only (readOnlyHint)',
    });
    await expect(readFile(join(folder, 'calls'))).rejects.toThrow('ENOENT');
  });
});

type Failure = readonly [id: string, step: string, code: RegExp, detail: RegExp, fix: RegExp];

describe('servers that are not', () => {
  const table: readonly Failure[] = [
    [
      'typo',
      'resolve',
      /^ENOENT$/,
      /"nodee" is not on the PATH of the server \(did you mean "node"\?\)$/,
      /^Install "nodee", or write its full path as command\.$/,
    ],
    [
      'no-path',
      'resolve',
      /^ENOENT$/,
      /"\.\/nowhere\/server" does not exist$/,
      /^Install "\.\/nowhere\/server", or write its full path/,
    ],
    ['no-program', 'resolve', /^EACCES$/, /plain\.txt may not be executed$/, /^Make it executable \(chmod \+x\)/],
    [
      'no-folder',
      'resolve',
      /^cwd:ENOENT$/,
      /nowhere does not exist$/,
      /^Create the folder, let it be entered, or correct cwd\.$/,
    ],
    ['no-interpreter', 'spawn', /^ENOENT$/, /interpreter/, /^Install the interpreter that its first line \(#!\) names/],
    [
      'exits',
      'handshake',
      /^exit:3$/,
      /^exited with code 3 \(pid \d+\); its last line on stderr: the key \[secret\] is bad$/,
      /^Mend what its stderr says: run the command by hand/,
    ],
    ['exits-well', 'handshake', /^exit:0$/, /^exited with code 0 \(pid \d+\)$/, /^See why it ends at once: /],
    [
      'not-installed',
      'handshake',
      /^exit:127$/,
      /its last line on stderr: .*no-such-program-anywhere/,
      /^Correct the command that it starts in turn: /,
    ],
    ['killed', 'handshake', /^signal:SIGKILL$/, /^ended by SIGKILL/, /^See who kills it: often the kernel/],
    [
      'never',
      'handshake',
      /^connect-timeout$/,
      /^not ready within 4000 ms: waited for its answer to initialize$/,
      /^See why it is slow, or raise holdfast\.servers\.never\.connectTimeoutMs \(4000 ms\)\.$/,
    ],
    [
      'talkative',
      'handshake',
      /^not-a-message$/,
      /no JSON-RPC message.*"listening"/,
      /^See that the server prints nothing but messages on stdout/,
    ],
    [
      'no-ping',
      'probe',
      /^check-timeout$/,
      /within 300 ms$/,
      /raise holdfast\.servers\.no-ping\.healthCheck\.timeoutMs\.$/,
    ],
    [
      'variable',
      'configuration',
      /^CONFIG$/,
      /mcp\.json:1:\d+: mcpServers\.variable\.command: the variable DOCTOR_UNSET is not set/,
      /^Set DOCTOR_UNSET in the environment/,
    ],
    [
      'refused',
      'dial',
      /^ECONNREFUSED$/,
      /^no connection to 127\.0\.0\.1:\d+ \(ECONNREFUSED\)$/,
      /^Start the server: nothing listens at 127\.0\.0\.1:\d+/,
    ],
    [
      'nameless',
      'resolve',
      /^(?:ENOTFOUND|EAI_AGAIN)$/,
      /^the name "nowhere\.invalid" has no address/,
      /^Correct the host in url/,
    ],
    ['self-signed', 'dial', /^DEPTH_ZERO_SELF_SIGNED_CERT$/, /^no connection/, /NODE_EXTRA_CA_CERTS\.$/],
    [
      'no-tls',
      'dial',
      /^(?:EPROTO|ERR_SSL_\w+)$/,
      /^no connection/,
      /^Write http:\/\/ in url if the server speaks no TLS/,
    ],
    [
      'no-token',
      'handshake',
      /^http:401$/,
      /401/,
      /^Give the server credentials: an Authorization header in headers\.$/,
    ],
    ['bad-token', 'handshake', /^http:401$/, /401/, /^Renew the credentials in the header Authorization/],
    [
      'no-mcp',
      'handshake',
      /^http:404$/,
      /404/,
      /^Correct url: something answers at 127\.0\.0\.1:\d+, but there is no MCP server at this path/,
    ],
    [
      'mute',
      'handshake',
      /^connect-timeout$/,
      /^not ready within 4000 ms/,
      /raise holdfast\.servers\.mute\.connectTimeoutMs/,
    ],
    ['listless', 'list', /^OUTCOME_UNKNOWN$/, /HTTP status 500/, /^See the server's own log/],
    ['sulks', 'call', /^tool-error$/, /^sulks: no: \[secret\] x{180} \[secre$/, /^Mend what the tool says/],
    ['hangs', 'call', /^CALL_TIMEOUT$/, /1500 ms/, /raise holdfast\.servers\.hangs\.callTimeoutMs \(1500 ms\)\.$/],
    [
      'dies',
      'call',
      /^exit:9$/,
      /^exited with code 9 \(pid \d+\); its last line on stderr: out of ink$/,
      /^Mend what its stderr says/,
    ],
  ];

  it.each(table)('%s fails at %s, and no later step is taken', (id, step, failedWith, detail, fix) => {
    const { status, steps } = reportOf(id);
    expect(status).toBe('failed');
    expect(steps.slice(0, -1).map((each) => each.status)).not.toContain('failed');
    expect(steps.at(-1)).toEqual({
      step,
      status: 'failed',
      ms: expect.any(Number),
      code: expect.stringMatching(failedWith),
      detail: expect.stringMatching(detail),
      fix: expect.stringMatching(fix),
    });
  });

  it('each of them is in the table, in the order of the file, and those that are disabled are left out', () => {
    expect(report.servers.map(({ id }) => id)).toEqual(['everything', 'remote', ...table.map(([id]) => id), 'harmful']);
  });

  it('some that are well make it 3', () => {
    expect(code).toBe(3);
  });

  it('no secret is in the report', () => {
    expect(stdout).not.toContain(secret.slice(0, 6));
    expect(stdout).not.toContain('the-right-token');
  });
});
