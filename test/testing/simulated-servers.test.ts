import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/link/fault.ts';
import type { Link, LinkEvent, OpenSpec, Pending } from '../../src/link/link.ts';
import type { CustomTarget } from '../../src/link/target.ts';
import {
  createSimulatedServers,
  createVirtualClock,
  type LeakCheck,
  type SimulatedServers,
  startLeakCheck,
  type VirtualClock,
} from '../../src/testing/index.ts';

const target: CustomTarget = {
  kind: 'custom',
  factory: () => Promise.reject(new Error('no transport in a simulation')),
};
const BROKEN: Fault = { kind: 'transport', code: 'ECONNRESET', message: 'the connection was reset' };
const CLOSED: Fault = { kind: 'closed', code: 'closed', message: 'the link was closed' };

let clock: VirtualClock;
let servers: SimulatedServers;
let leaks: LeakCheck;

beforeEach(() => {
  clock = createVirtualClock();
  servers = createSimulatedServers(clock);
  leaks = startLeakCheck({ clock });
});

afterEach(() => leaks.verify());

interface Opened {
  readonly link: Link;
  readonly events: LinkEvent[];
}

function open(more: Partial<OpenSpec> = {}): Opened {
  const events: LinkEvent[] = [];
  const link = servers.links(target).open({
    serverId: 'a',
    generation: 1,
    target,
    clientInfo: { name: 'test', version: '0' },
    handlers: undefined,
    onEvent: (event) => events.push(event),
    ...more,
  });
  return { link, events };
}

async function openSettled(more: Partial<OpenSpec> = {}): Promise<Opened> {
  const opened = open(more);
  await clock.settle();
  return opened;
}

const ask = (link: Link, args: unknown = { n: 1 }): Pending<Record<string, unknown>> =>
  link.request('tools/call', { name: 'echo', arguments: args });

const call = (link: Link, args?: unknown): Promise<Record<string, unknown>> => ask(link, args).answer;

/** How a promise stands after everything that is due now has happened. */
async function fateOf(promise: Promise<unknown>): Promise<unknown> {
  let fate: unknown = 'pending';
  promise.then(
    (value) => (fate = { value }),
    (error: unknown) => (fate = error instanceof Error && 'failure' in error ? error.failure : error),
  );
  await clock.settle();
  return fate;
}

describe('opening', () => {
  it('returns at once, tells nothing synchronously, then tells opened with the facts of the server', async () => {
    servers.server('a', { instructions: 'be kind', capabilities: { tools: {}, logging: {} } });
    const { link, events } = open();
    expect([events, link.isOpen]).toEqual([[], false]);
    await clock.settle();
    expect(link.isOpen).toBe(true);
    expect(events).toEqual([
      {
        type: 'opened',
        facts: {
          era: 'legacy',
          protocolVersion: '2025-11-25',
          info: { name: 'a', version: '1.0.0' },
          capabilities: { tools: {}, logging: {} },
          instructions: 'be kind',
          pid: null,
        },
      },
    ]);
  });

  it('takes connectMs of the clock, and a server with a process is spawned first', async () => {
    const server = servers.server('a', { connectMs: 250, pid: 4_000 });
    const { events } = await openSettled();
    expect(events).toEqual([{ type: 'spawned', pid: 4_000 }]);
    await clock.advance(249);
    expect(events.length).toBe(1);
    await clock.advance(1);
    expect(events.map((event) => event.type)).toEqual(['spawned', 'opened']);
    expect(server.pid).toBe(4_001);
  });

  it('goes down with the fault that the server refuses with, and holds nothing', async () => {
    const refuse: Fault = { kind: 'unreachable', code: 'ECONNREFUSED', message: 'refused' };
    const server = servers.server('a', { refuse, connectMs: 10, pid: 7 });
    const { link, events } = open();
    await clock.advance(10);
    expect(events).toEqual([{ type: 'down', fault: refuse }]);
    expect([link.isOpen, server.liveLinks, server.opens]).toEqual([false, 0, 1]);
  });

  it('never finishes if the server does not answer initialize, and can still be closed', async () => {
    const server = servers.server('a', { answersInitialize: false });
    const { link, events } = open();
    await clock.advance(3_600_000);
    expect([events, server.liveLinks]).toEqual([[], 1]);
    await link.close('kill');
    expect(events).toEqual([{ type: 'down', fault: CLOSED }]);
    expect(server.liveLinks).toBe(0);
  });

  it('does not finish if it is closed meanwhile', async () => {
    servers.server('a', { connectMs: 100 });
    const { link, events } = await openSettled();
    await link.close('kill');
    await clock.advance(200);
    expect(events).toEqual([{ type: 'down', fault: CLOSED }]);
    expect(clock.nextDueMs).toBe(null);
  });

  it('creates a server on demand with the defaults of the set, and counts opens, generations and live links', async () => {
    servers = createSimulatedServers(clock, { defaults: { version: '9.9.9' } });
    const first = await openSettled({ generation: 3 });
    await openSettled({ generation: 4 });
    const server = servers.server('a');
    expect(servers.all()).toEqual([server]);
    expect(server).toMatchObject({
      id: 'a',
      version: '9.9.9',
      opens: 2,
      liveLinks: 2,
      maxLiveLinks: 2,
      generations: [3, 4],
    });
    await first.link.close('graceful');
    expect(server).toMatchObject({ liveLinks: 1, maxLiveLinks: 2, closes: ['graceful'] });
  });
});

describe('answers', () => {
  it('come on a microtask by default and carry the arguments back', async () => {
    const { link } = await openSettled();
    expect(await call(link, { x: [1] })).toEqual({ content: [{ type: 'text', text: '{"x":[1]}' }] });
    await link.probe().answer;
    expect(servers.server('a')).toMatchObject({
      probes: 1,
      requests: 1,
      executed: [{ tool: 'echo', args: { x: [1] }, generation: 1 }],
    });
  });

  it('come after answerMs of the clock, in order', async () => {
    servers.server('a', { answerMs: 40 });
    const { link } = await openSettled();
    const seen: string[] = [];
    void link.probe().answer.then(() => seen.push('probe'));
    void call(link).then(() => seen.push('call'));
    await clock.advance(39);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual(['probe', 'call']);
  });

  it('list tools page by page if pageSize is set', async () => {
    const tools = ['a', 'b', 'c'].map((name) => ({ name, inputSchema: { type: 'object' } }));
    servers.server('a', { tools, pageSize: 2 });
    const { link } = await openSettled();
    const list = (params?: Record<string, unknown>): Promise<unknown> => link.request('tools/list', params).answer;
    expect(await list()).toEqual({ tools: tools.slice(0, 2), nextCursor: '2' });
    expect(await list({ cursor: '2' })).toEqual({ tools: tools.slice(2) });
    expect(await fateOf(list({ cursor: 'x' }))).toEqual({
      kind: 'rpc',
      sent: true,
      rpcCode: -32602,
      message: 'Invalid cursor',
    });
  });

  it('to standard methods are empty, to unknown ones -32601, and onRequest comes before both', async () => {
    const server = servers.server('a');
    const { link } = await openSettled();
    const request = (method: string): Promise<unknown> => fateOf(link.request(method, { k: 1 }).answer);
    expect(await request('resources/list')).toEqual({ value: { resources: [] } });
    expect(await request('logging/setLevel')).toEqual({ value: {} });
    expect(await request('no/such')).toEqual({
      kind: 'rpc',
      sent: true,
      rpcCode: -32601,
      message: 'Method not found: no/such',
    });
    server.onRequest = (method) => (method === 'no/such' ? { now: 'known' } : undefined);
    expect(await request('no/such')).toEqual({ value: { now: 'known' } });
    expect(await request('prompts/list')).toEqual({ value: { prompts: [] } });
    expect(server.received.map(({ method }) => method)).toEqual([
      'resources/list',
      'logging/setLevel',
      'no/such',
      'no/such',
      'prompts/list',
    ]);
  });

  it('are what onCall returns; an error that it throws is a JSON-RPC error with its code', async () => {
    const server = servers.server('a');
    const { link } = await openSettled();
    const progress: unknown[] = [];
    server.onCall = async (name, args, _signal, onProgress) => {
      onProgress({ progress: 1, total: 2 });
      await Promise.resolve();
      return { name, args };
    };
    const options = { onProgress: (step: unknown) => progress.push(step) };
    expect(await link.request('tools/call', { name: 'sum', arguments: { a: 1 } }, options).answer).toEqual({
      name: 'sum',
      args: { a: 1 },
    });
    expect(progress).toEqual([{ progress: 1, total: 2 }]);
    server.onCall = () => {
      throw Object.assign(new Error('busy'), { code: -32_000 });
    };
    expect(await fateOf(call(link))).toEqual({ kind: 'rpc', sent: true, rpcCode: -32_000, message: 'busy' });
    server.onCall = () => Promise.reject(new Error('broken'));
    expect(await fateOf(call(link))).toEqual({ kind: 'rpc', sent: true, rpcCode: -32_603, message: 'broken' });
  });

  it('can be withheld for pings and calls apart; a call without an answer was executed all the same', async () => {
    const server = servers.server('a', { answersPing: false, answersCalls: false });
    const { link } = await openSettled();
    expect(await fateOf(link.probe().answer)).toBe('pending');
    expect(await fateOf(call(link))).toBe('pending');
    expect(await fateOf(link.request('tools/list', undefined).answer)).toMatchObject({ value: {} });
    expect(server.executed.length).toBe(1);
    server.breakLink();
    await clock.settle();
  });
});

describe('a request', () => {
  it('on a link that is not open is refused unsent', async () => {
    const { link } = open();
    const early: Fault = { kind: 'transport', code: 'not-open', message: 'the link is not open yet' };
    expect(await fateOf(call(link))).toEqual({ kind: 'link', sent: false, fault: early });
    servers.server('a').breakLink();
    expect(await fateOf(call(link))).toEqual({ kind: 'link', sent: false, fault: BROKEN });
    expect(await fateOf(link.probe().answer)).toEqual({ kind: 'link', sent: false, fault: BROKEN });
    expect(await fateOf(link.notify('x', {}))).toEqual({ kind: 'link', sent: false, fault: BROKEN });
  });

  it('that is cancelled after it was answered keeps its answer, however often it is cancelled', async () => {
    const { link } = await openSettled();
    const answered = ask(link);
    const value = await answered.answer;
    answered.cancel();
    answered.cancel();
    expect(await fateOf(answered.answer)).toEqual({ value });
    expect(servers.server('a').requests).toBe(1);
  });

  it('that is cancelled settles at once as aborted and sent, the server is told, and its late answer changes nothing', async () => {
    const server = servers.server('a', { answerMs: 100 });
    const { link } = await openSettled();
    const signals: AbortSignal[] = [];
    server.onCall = (_name, _args, signal) => {
      signals.push(signal);
      return new Promise((resolve) => clock.arrive(() => resolve({ late: true }), 500));
    };
    const cancelled = ask(link, {});
    await clock.advance(50);
    cancelled.cancel();
    expect(await fateOf(cancelled.answer)).toEqual({ kind: 'aborted', sent: true });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    await clock.advance(1_000);
    expect(server.executed.length).toBe(1);
  });

  it('that is still queued behind a congested connection is provably unsent, whether cancelled or cut off', async () => {
    const server = servers.server('a');
    const { link } = await openSettled();
    server.congest();
    const cancelled = ask(link, { n: 1 });
    const sentLater = call(link, { n: 2 });
    cancelled.cancel();
    expect(await fateOf(cancelled.answer)).toEqual({ kind: 'aborted', sent: false });
    server.decongest();
    expect(await fateOf(sentLater)).toEqual({ value: { content: [{ type: 'text', text: '{"n":2}' }] } });
    server.congest();
    const cutOff = call(link, { n: 3 });
    server.breakLink();
    expect(await fateOf(cutOff)).toEqual({ kind: 'link', sent: false, fault: BROKEN });
    expect(server.executed.map(({ args }) => args)).toEqual([{ n: 2 }]);
    expect(server.requests).toBe(1);
  });

  it('that is pending when the link goes down rejects as sent, with the fault, after down was told', async () => {
    const server = servers.server('a', { answerMs: 100 });
    const { link, events } = await openSettled();
    const order: string[] = [];
    const pending = call(link);
    pending.catch(() => order.push(`rejected after ${events.at(-1)?.type}`));
    await clock.advance(10);
    server.exit(3);
    const fault: Fault = {
      kind: 'exit',
      code: 'exit:3',
      message: 'the process exited with code 3',
      exit: { code: 3, signal: null },
    };
    expect(await fateOf(pending)).toEqual({ kind: 'link', sent: true, fault });
    expect(order).toEqual(['rejected after down']);
    await clock.advance(1_000);
    expect(clock.nextDueMs).toBe(null);
  });
});

describe('hanging', () => {
  it('answers nothing until resume, then answers late and in order; what was cancelled meanwhile is executed but not delivered', async () => {
    const server = servers.server('a');
    const { link } = await openSettled();
    server.hang();
    const first = ask(link, { n: 1 });
    const second = call(link, { n: 2 });
    const probe = link.probe().answer;
    expect(await fateOf(probe)).toBe('pending');
    expect(server.executed).toEqual([]);
    first.cancel();
    expect(await fateOf(first.answer)).toEqual({ kind: 'aborted', sent: true });
    server.resume();
    expect(await fateOf(second)).toEqual({ value: { content: [{ type: 'text', text: '{"n":2}' }] } });
    expect(await fateOf(probe)).toEqual({ value: undefined });
    expect(server.executed.map(({ args }) => args)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('holds back an answer that was on its way', async () => {
    const server = servers.server('a', { answerMs: 10 });
    const { link } = await openSettled();
    const probe = link.probe().answer;
    await clock.advance(5);
    server.hang();
    await clock.advance(100);
    expect(await fateOf(probe)).toBe('pending');
    server.resume();
    expect(await fateOf(probe)).toEqual({ value: undefined });
  });

  it('holds back later openings too, unless only the link hangs', async () => {
    const server = servers.server('a');
    const first = await openSettled();
    server.hangLink();
    expect(await fateOf(first.link.probe().answer)).toBe('pending');
    await first.link.close('kill');
    const second = await openSettled({ generation: 2 });
    expect(second.link.isOpen).toBe(true);
    server.hang();
    await second.link.close('kill');
    const third = await openSettled({ generation: 3 });
    expect(third.events).toEqual([]);
    server.resume();
    expect(third.events.map((event) => event.type)).toEqual(['opened']);
  });
});

describe('going down', () => {
  it.each([
    ['exit', 'exit', 'exit:1', 0],
    ['kill', 'exit', 'signal:SIGKILL', 0],
    ['breakLink', 'transport', 'ECONNRESET', 0],
    ['loseSession', 'session-lost', 'http:404', 1],
  ] as const)(
    'by %s is a fault of kind %s with code %s and leaves %i live links until close',
    async (how, kind, code, left) => {
      const server = servers.server('a');
      const { link, events } = await openSettled();
      server[how]();
      expect(events.slice(1)).toMatchObject([{ type: 'down', fault: { kind, code } }]);
      expect([link.isOpen, server.liveLinks]).toEqual([false, left]);
      await link.close('lost');
      expect([events.length, server.liveLinks]).toEqual([2, 0]);
    },
  );

  it('by a broken link leaves the process behind until close', async () => {
    const server = servers.server('a', { pid: 50, killMs: 20 });
    const { link } = await openSettled();
    server.breakLink();
    expect(server.liveLinks).toBe(1);
    const closed = link.close('kill');
    await clock.advance(19);
    expect(server.liveLinks).toBe(1);
    await clock.advance(1);
    await closed;
    expect(server.liveLinks).toBe(0);
  });

  it('happens once: nothing is told after down', async () => {
    const server = servers.server('a');
    const { link, events } = await openSettled();
    server.breakLink();
    server.exit();
    server.notify('x');
    server.stderr('late');
    server.fault(BROKEN);
    await link.close('graceful');
    await link.close('kill');
    expect(events.map((event) => event.type)).toEqual(['opened', 'down']);
    expect(server.closes).toEqual(['graceful', 'kill']);
  });

  it('by exit shows the last lines of stderr in its fault', async () => {
    const server = servers.server('a');
    const { events } = await openSettled();
    for (let line = 1; line <= 25; line += 1) server.stderr(`line ${line}`);
    server.exit();
    const last = events.at(-1);
    const tail = Array.from({ length: 20 }, (_, index) => `line ${index + 6}`).join('\n');
    expect(last).toEqual({
      type: 'down',
      fault: {
        kind: 'exit',
        code: 'exit:1',
        message: 'the process exited with code 1',
        exit: { code: 1, signal: null },
        stderrTail: tail,
      },
    });
  });
});

describe('closing', () => {
  it('ends isOpen at once, takes closeMs, tells down before it resolves, and a graceful close still lets answers through', async () => {
    const server = servers.server('a', { closeMs: 100, answerMs: 30 });
    const { link, events } = await openSettled();
    const pending = call(link);
    const order: string[] = [];
    await clock.advance(10);
    const closed = link.close('graceful').then(() => order.push(`closed after ${events.at(-1)?.type}`));
    expect(link.isOpen).toBe(false);
    await clock.advance(20);
    expect(await fateOf(pending)).toMatchObject({ value: {} });
    await clock.advance(79);
    expect([order, server.liveLinks]).toEqual([[], 1]);
    await clock.advance(1);
    await closed;
    expect(order).toEqual(['closed after down']);
    expect(events.at(-1)).toEqual({ type: 'down', fault: CLOSED });
  });

  it('is hastened by a harsher mode, which also silences the server', async () => {
    const server = servers.server('a', { closeMs: 5_000, killMs: 50, answerMs: 20 });
    const { link } = await openSettled();
    const pending = call(link);
    const graceful = link.close('graceful');
    await clock.advance(10);
    const kill = link.close('kill');
    await clock.advance(49);
    expect([await fateOf(pending), server.liveLinks]).toEqual(['pending', 1]);
    await clock.advance(1);
    await Promise.all([graceful, kill]);
    expect(await fateOf(pending)).toEqual({ kind: 'link', sent: true, fault: CLOSED });
    expect([clock.monotonic(), clock.nextDueMs]).toEqual([60, null]);
  });

  it('is not postponed by a gentler or an equal second call', async () => {
    servers.server('a', { closeMs: 5_000, killMs: 50 });
    const { link } = await openSettled();
    const kill = link.close('kill');
    await clock.advance(30);
    const others = [link.close('graceful'), link.close('kill')];
    await clock.advance(20);
    expect(await fateOf(Promise.all([kill, ...others]))).toEqual({ value: [undefined, undefined, undefined] });
  });

  it('never ends with neverCloses, until the process exits', async () => {
    const server = servers.server('a', { neverCloses: true });
    const { link, events } = await openSettled();
    const closed = link.close('kill');
    await clock.advance(3_600_000);
    expect([await fateOf(closed), server.liveLinks, events.length]).toEqual(['pending', 1, 1]);
    server.kill();
    await closed;
    expect([server.liveLinks, events.length]).toEqual([0, 2]);
  });

  it('during the opening still ends when the link breaks meanwhile', async () => {
    const server = servers.server('a', { connectMs: 1_000, killMs: 100, pid: 9 });
    const { link } = await openSettled();
    const closed = link.close('kill');
    server.breakLink();
    await clock.advance(100);
    await closed;
    expect(server.liveLinks).toBe(0);
  });
});

describe('events', () => {
  it('are told in order even when one is raised while another is delivered', async () => {
    const server = servers.server('a');
    const seen: string[] = [];
    open({
      onEvent: (event) => {
        seen.push(`begin ${event.type}`);
        if (event.type === 'opened') {
          server.notify('n');
          server.exit();
        }
        seen.push(`end ${event.type}`);
      },
    });
    await clock.settle();
    expect(seen).toEqual(['begin opened', 'end opened', 'begin notice', 'end notice', 'begin down', 'end down']);
  });

  it('whose receiver throws harm nobody', async () => {
    const server = servers.server('a');
    const { link } = await openSettled({
      onEvent: () => {
        throw new Error('bad owner');
      },
    });
    const pending = call(link);
    server.exit();
    expect(await fateOf(pending)).toMatchObject({ kind: 'link', sent: true });
    await link.close('kill');
  });

  it('carry notices, stderr and faults; before opened only stderr', async () => {
    const server = servers.server('a', { connectMs: 10 });
    const { events } = await openSettled();
    server.notify('too/early');
    server.stderr('starting');
    await clock.advance(10);
    server.notify('notifications/tools/list_changed');
    server.fault(BROKEN);
    expect(events.filter((event) => event.type !== 'opened')).toEqual([
      { type: 'stderr', line: 'starting' },
      { type: 'notice', method: 'notifications/tools/list_changed', params: {} },
      { type: 'fault', fault: BROKEN },
    ]);
  });
});

describe('the server as asker', () => {
  it('gets the answers of the handlers, and -32601 where there is none', async () => {
    const server = servers.server('a');
    await openSettled({
      handlers: {
        elicit: (params) => Promise.resolve({ action: 'accept', asked: params }),
        roots: () => Promise.resolve([{ uri: 'file:///tmp' }]),
      },
    });
    expect(await server.ask('elicitation/create', { message: 'name?' })).toEqual({
      action: 'accept',
      asked: { message: 'name?' },
    });
    expect(await server.ask('roots/list')).toEqual({ roots: [{ uri: 'file:///tmp' }] });
    await expect(server.ask('sampling/createMessage')).rejects.toMatchObject({ code: -32601 });
  });
});

describe('ten thousand servers', () => {
  it('need no timer to open, answer and close', async () => {
    const links = Array.from({ length: 10_000 }, (_, index) => open({ serverId: `s${index}` }).link);
    await clock.settle();
    await Promise.all(links.map((link) => link.probe().answer));
    expect([links.every((link) => link.isOpen), clock.nextDueMs]).toEqual([true, null]);
    await Promise.all(links.map((link) => link.close('graceful')));
    expect(servers.all().every((server) => server.liveLinks === 0 && server.probes === 1)).toBe(true);
  });
});
