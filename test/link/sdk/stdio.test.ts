import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { LinkEvent, OpenSpec } from '../../../src/link/link.ts';
import type { StdioTarget } from '../../../src/link/target.ts';
import { eventually } from '../../support/eventually.ts';
import { isRunning, membersOf } from '../../support/processes.ts';
import { expectNothingLeft, failureOf, Owner } from './owner.ts';

const FIXTURE = fileURLToPath(new URL('../../fixtures/stdio-server.mjs', import.meta.url));
const EVERYTHING = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
const CLOSED = { kind: 'closed', code: 'closed', message: 'The link was closed by its owner.' };

function node(args: readonly string[], rest: Partial<StdioTarget> = {}): StdioTarget {
  return { kind: 'stdio', command: process.execPath, args, cwd: undefined, env: {}, inheritEnv: false, ...rest };
}

function fixture(fault = 'ok', options: { onEvent?: OpenSpec['onEvent'] } = {}): Owner {
  return new Owner(node([FIXTURE, `fault=${fault}`]), options);
}

async function pidOf(owner: Owner): Promise<number> {
  return (await owner.first('spawned')).pid;
}

function withoutStderr(events: readonly LinkEvent[]): LinkEvent[] {
  return events.filter(({ type }) => type !== 'stderr');
}

describe('a link to a stdio server', () => {
  expectNothingLeft();

  it('tells of the process, opens, calls and ends with no process left', async () => {
    const owner = await fixture().opened();
    const pid = await pidOf(owner);
    expect(await owner.call('tools/call', { name: 'echo', arguments: { text: 'hi' } })).toMatchObject({
      content: [{ type: 'text', text: 'hi' }],
    });
    expect(await owner.probe()).toBeUndefined();
    const facts = await owner.first('opened');
    expect([facts.facts.pid, facts.facts.era, isRunning(pid)]).toEqual([pid, 'legacy', true]);
    await owner.link.close('graceful');
    expect(membersOf(pid)).toEqual([]);
    expect(withoutStderr(owner.events).map(({ type }) => type)).toEqual(['spawned', 'opened', 'down']);
    expect(owner.events.at(-1)).toEqual({ type: 'down', fault: CLOSED });
  });

  it('carries the exit and its last words when the process dies under a call', async () => {
    const owner = await fixture('exit-call:3').opened();
    const call = await failureOf(owner.call('tools/call', { name: 'echo', arguments: {} }));
    const { fault } = await owner.first('down');
    expect(fault).toMatchObject({
      kind: 'exit',
      code: 'exit:3',
      exit: { code: 3, signal: null },
      stderrTail: 'fatal: the tool took the process with it',
    });
    expect(call).toEqual({ kind: 'link', sent: true, fault });
    await owner.link.close('lost');
  });

  it('carries the signal when the process is killed, and is closed to calls from the exit on', async () => {
    const owner = await fixture().opened();
    process.kill(await pidOf(owner), 'SIGKILL');
    const { fault } = await owner.first('down');
    expect(fault).toMatchObject({ kind: 'exit', code: 'signal:SIGKILL', exit: { code: null, signal: 'SIGKILL' } });
    expect(owner.link.isOpen).toBe(false);
    expect(await failureOf(owner.call('tools/list'))).toEqual({ kind: 'link', sent: false, fault });
    await owner.link.close('lost');
  });

  it.each([
    ['before it reads anything', 'exit-start:7', 'exit:7'],
    ['when it is asked to initialize', 'exit-init', 'exit:'],
  ])('that exits %s is down by that exit', async (_when, faultName, code) => {
    const owner = fixture(faultName);
    const { fault } = await owner.first('down');
    expect([fault.kind, fault.code.startsWith(code)]).toEqual(['exit', true]);
    expect(withoutStderr(owner.events).map(({ type }) => type)).toEqual(['spawned', 'down']);
    await owner.link.close('lost');
  });

  it('whose command does not exist is down as spawn and nothing else', async () => {
    const owner = new Owner(node([], { command: '/nonexistent/server' }));
    const { fault } = await owner.first('down');
    expect([fault.kind, fault.code, owner.types]).toEqual(['spawn', 'ENOENT', ['down']]);
    await owner.link.close('lost');
  });

  it('that hangs in its start can be seen and killed, and close waits until it is gone', async () => {
    const owner = fixture('never-starts');
    const pid = await pidOf(owner);
    const closed = owner.link.close('kill');
    expect(withoutStderr(owner.events)).toEqual([
      { type: 'spawned', pid },
      { type: 'down', fault: CLOSED },
    ]);
    await closed;
    expect(isRunning(pid)).toBe(false);
  });

  it('that reads nothing after initialize settles at once on close', async () => {
    const owner = fixture('stop-initialized');
    const pid = await pidOf(owner);
    await owner.link.close('kill');
    expect([owner.types.at(-1), isRunning(pid)]).toEqual(['down', false]);
  });

  it('closed before it was spawned never has a process', async () => {
    const owner = fixture();
    await owner.link.close('graceful');
    expect(owner.events).toEqual([{ type: 'down', fault: CLOSED }]);
  });

  it('closed while it is being spawned leaves no process', async () => {
    const owner = fixture();
    await Promise.resolve();
    await Promise.resolve();
    await owner.link.close('kill');
    expect(owner.events).toEqual([{ type: 'down', fault: CLOSED }]);
  });

  it('that ignores the end of stdin and SIGTERM is hastened by a second, harsher close', async () => {
    const owner = await fixture('grandchild-ignore-term').opened();
    const pid = await pidOf(owner);
    let isGone = false;
    const graceful = owner.link.close('graceful').then(() => (isGone = true));
    await owner.first('down');
    expect(isGone).toBe(false);
    await owner.link.close('kill');
    await graceful;
    expect(membersOf(pid)).toEqual([]);
  });

  it('proves that a call behind a full pipe was never sent when it is cancelled, and never sends it', async () => {
    // Stops reading after the handshake until it gets SIGUSR2; tells on stderr what it was sent, and answers pings.
    const sluggish = `
      let rest = '';
      const answer = (id, result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
      process.stdin.setEncoding('utf8').on('data', (chunk) => {
        const lines = (rest + chunk).split('\\n');
        rest = lines.pop();
        for (const { id, method, params } of lines.map((line) => JSON.parse(line))) {
          console.error(method);
          if (method === 'initialize') {
            answer(id, { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: { name: 's', version: '1' } });
          } else if (method === 'notifications/initialized') process.stdin.pause();
          else if (method === 'ping') answer(id, {});
        }
      });
      process.on('SIGUSR2', () => process.stdin.resume());
      setInterval(() => {}, 1000);`;
    const owner = await new Owner(node(['-e', sluggish])).opened();
    const stderr = (): string[] => owner.events.flatMap((event) => (event.type === 'stderr' ? [event.line] : []));
    await eventually(() => stderr().includes('notifications/initialized'));
    const big = failureOf(owner.call('tools/call', { name: 'echo', arguments: { text: 'x'.repeat(2_000_000) } }));
    const call = owner.ask('tools/list', {});
    const probe = owner.probe();
    call.cancel();
    expect(await failureOf(call.answer)).toEqual({ kind: 'aborted', sent: false });
    process.kill(await pidOf(owner), 'SIGUSR2');
    await probe;
    await eventually(() => stderr().includes('ping'));
    expect(stderr()).toEqual(['initialize', 'notifications/initialized', 'tools/call', 'ping']);
    await owner.link.close('kill');
    expect(await big).toEqual({ kind: 'link', sent: true, fault: CLOSED });
  });

  it('is not open from the exit on, though somebody else holds the pipe and the end is not there yet', async () => {
    const owner = await fixture('grandchild').opened();
    process.kill(await pidOf(owner), 'SIGKILL');
    await eventually(() => !owner.link.isOpen);
    const call = await failureOf(owner.call('tools/list'));
    expect(withoutStderr(owner.events).map(({ type }) => type)).toEqual(['spawned', 'opened']);
    const { fault } = await owner.first('down');
    expect(call).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'exit', code: fault.code } });
    await owner.link.close('lost');
  });

  it('that exits in the handshake is down by its exit, though a child of its own answers initialize afterwards', async () => {
    // A child of its own answers initialize once the server itself is gone.
    const leaving = `
      process.stdin.once('data', (line) => {
        const { id, params } = JSON.parse(line);
        const result = { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: { name: 's', version: '1' } };
        const answer = JSON.stringify({ jsonrpc: '2.0', id, result });
        const script = 'while kill -0 $PPID 2>/dev/null; do :; done; echo "$0"';
        require('node:child_process').spawn('sh', ['-c', script, answer], { stdio: ['ignore', 'inherit', 'inherit'] });
        process.exit(5);
      });`;
    const owner = new Owner(node(['-e', leaving]));
    const { fault } = await owner.first('down');
    expect([fault.kind, fault.code]).toEqual(['exit', 'exit:5']);
    expect(withoutStderr(owner.events).map(({ type }) => type)).toEqual(['spawned', 'down']);
    await owner.link.close('lost');
  });

  it('refuses what its queue has no room for, provably unsent, and stands', async () => {
    const owner = await fixture('stop-reading').opened();
    const refused = await failureOf(owner.call('tools/call', { text: 'x'.repeat(9_000_000) }));
    expect(refused).toMatchObject({ kind: 'link', sent: false, fault: { kind: 'overload', code: 'stdin-queue-full' } });
    expect(owner.link.isOpen).toBe(true);
    await owner.link.close('kill');
  });

  it('survives what is no message on stdout and reports it', async () => {
    const owner = await fixture('banner=2').opened();
    expect(await owner.call('tools/call', { name: 'echo', arguments: { text: 'x' } })).toBeDefined();
    expect(owner.events.filter(({ type }) => type === 'fault')).toHaveLength(2);
    await owner.link.close('graceful');
  });

  it('delivers each line of stderr', async () => {
    const owner = await new Owner(
      node(['-e', `process.stderr.write('one\\ntwo\\n'); import(${JSON.stringify(FIXTURE)})`]),
    ).opened();
    await eventually(() => owner.events.filter(({ type }) => type === 'stderr').length === 2);
    expect(owner.events.filter(({ type }) => type === 'stderr')).toEqual([
      { type: 'stderr', line: 'one' },
      { type: 'stderr', line: 'two' },
    ]);
    await owner.link.close('graceful');
  });

  it('of a refused handshake kills the process, and close resolves once it is gone', async () => {
    const refusing = `
      console.error('wrong client');
      process.stdin.once('data', (line) => {
        const { id } = JSON.parse(line);
        console.log(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32022, message: 'too old' } }));
      });
      process.on('SIGTERM', () => {});
      setInterval(() => {}, 1000);`;
    const owner = new Owner(node(['-e', refusing]));
    const pid = await pidOf(owner);
    expect((await owner.first('down')).fault).toEqual({
      kind: 'incompatible',
      code: 'rpc:-32022',
      message: 'too old',
      stderrTail: 'wrong client',
    });
    await owner.link.close('lost');
    expect(isRunning(pid)).toBe(false);
  });
});

describe('a link to server-everything', () => {
  expectNothingLeft();

  it('lists, calls with progress, answers its elicitation, and closes with no process left', async () => {
    const owner = await new Owner(node([EVERYTHING, 'stdio']), {
      handlers: { elicit: async () => ({ action: 'decline' }), roots: async () => [{ uri: 'file:///work' }] },
    }).opened();
    const { facts } = await owner.first('opened');
    expect([facts.info?.name, facts.protocolVersion]).toEqual(['mcp-servers/everything', '2025-11-25']);
    const { tools } = await owner.call('tools/list');
    expect(Array.isArray(tools)).toBe(true);
    const heard: number[] = [];
    const result = await owner.ask(
      'tools/call',
      { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } },
      { onProgress: ({ progress }) => heard.push(progress) },
    ).answer;
    expect([heard, 'content' in result]).toEqual([[1, 2, 3, 4], true]);
    expect(await owner.call('tools/call', { name: 'trigger-elicitation-request', arguments: {} })).toHaveProperty(
      'content',
    );
    // It asks for the roots 350 ms after the handshake, and while it waits for them it ignores the end of stdin.
    const log = await eventually(() =>
      owner.events.find((event) => event.type === 'notice' && event.method === 'notifications/message'),
    );
    expect(log).toMatchObject({ params: { data: 'Roots updated: 1 root(s) received from client' } });
    const pid = await pidOf(owner);
    await owner.link.close('graceful');
    expect(membersOf(pid)).toEqual([]);
  });
});
