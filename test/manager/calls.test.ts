import { describe, expect, it } from 'vitest';
import type { Link, LinkDriver } from '../../src/index.ts';
import { failureOf, outcomeOf, pending, simulated, world } from './support.ts';

const START = Date.UTC(2026, 0, 1);
const facts = {
  era: 'legacy',
  protocolVersion: null,
  info: null,
  capabilities: {},
  instructions: null,
  pid: null,
} as const;

const rpc = (code: number, data?: unknown) => () => {
  throw Object.assign(new Error('said the server'), { code, data });
};

describe('a call', () => {
  it('returns what the tool answered, and is counted', async () => {
    const w = world({ behaviour: { answerMs: 20 } });
    const adding = outcomeOf(w.manager.addServer('a', simulated));
    await w.clock.advance(100);
    const session = adding.value();
    const call = outcomeOf(session.callTool('echo', { n: 1 }));
    await w.clock.settle();
    expect(session.info).toMatchObject({ activeRequests: 1, successfulRequests: 0 });
    await w.clock.advance(20);
    expect(call.value()).toEqual({ content: [{ type: 'text', text: '{"n":1}' }] });
    expect(session.info).toMatchObject({
      activeRequests: 0,
      successfulRequests: 1,
      failedRequests: 0,
      latencyMs: { last: 20, mean: 20 },
    });
    expect(w.server('a').executed).toEqual([{ tool: 'echo', args: { n: 1 }, generation: 1 }]);
  });

  it('that the tool itself calls an error is returned, not thrown', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').onCall = () => ({ content: [{ type: 'text', text: 'no such file' }], isError: true });
    expect(await session.callTool('read')).toEqual({
      content: [{ type: 'text', text: 'no such file' }],
      isError: true,
    });
    expect(session.info).toMatchObject({ successfulRequests: 1, failedRequests: 0 });
  });

  it.each([
    [-32_700, 'rejected'],
    [-32_600, 'rejected'],
    [-32_601, 'rejected'],
    [-32_602, 'executed'],
    [-32_603, 'executed'],
    [-32_000, 'executed'],
    [-32_042, 'executed'],
    [404, 'executed'],
    [1, 'executed'],
  ])('answered with the JSON-RPC error %i throws RpcError: %s', async (code, outcome) => {
    const w = world();
    const session = await w.add('a');
    w.server('a').onCall = rpc(code);
    expect(await failureOf(() => session.callTool('echo'))).toMatchObject({
      name: 'RpcError',
      code: 'RPC',
      rpcCode: code,
      outcome,
      serverId: 'a',
      generation: 1,
      retryable: false,
      message: `Server "a" answered the call of tool "echo" with error ${code}: said the server`,
    });
    expect(session.info).toMatchObject({
      state: 'healthy',
      successfulRequests: 0,
      failedRequests: 1,
      activeRequests: 0,
    });
    expect(w.server('a').executed).toHaveLength(1);
  });

  it('that gets no answer times out with its outcome unknown, once it was sent', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 1_500 }), w.clock);
    await w.clock.advance(1_500);
    expect(call.atMs).toBe(1_500);
    expect(call.error()).toMatchObject({
      name: 'CallTimeoutError',
      code: 'CALL_TIMEOUT',
      outcome: 'unknown',
      serverId: 'a',
      generation: 1,
      timeoutMs: 1_500,
      retryable: false,
      message: 'Server "a" gave the call of tool "echo" no answer within 1500 ms. It may have been executed.',
    });
    await w.clock.advance(200_000);
    expect(w.server('a').executed).toHaveLength(1);
  });

  it('has 60 s unless it is told otherwise, or what its server was told', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const usual = outcomeOf((await w.add('a')).callTool('echo'), w.clock);
    const brief = outcomeOf((await w.add('b', { callTimeoutMs: 700 })).callTool('echo'), w.clock);
    await w.clock.advance(60_000);
    expect(usual.atMs).toBe(60_000);
    expect(brief.atMs).toBe(700);
  });

  it('that could not leave times out as not sent, and never reaches the server', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').congest();
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 500 }));
    await w.clock.advance(500);
    expect(call.error()).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'not-sent', retryable: true });
    w.server('a').decongest();
    await w.clock.settle();
    expect(w.server('a').executed).toEqual([]);
  });

  it('is counted among the failed ones when it times out', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 10 }));
    await w.clock.advance(10);
    expect(call.state).toBe('rejected');
    expect(session.info).toMatchObject({ successfulRequests: 0, failedRequests: 1, activeRequests: 0 });
  });

  it('aborted before it began is not sent', async () => {
    const w = world();
    const session = await w.add('a');
    const reason = { because: 'I changed my mind' };
    const error = await failureOf(() => session.callTool('echo', {}, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({
      name: 'AbortError',
      code: 'CALL_ABORTED',
      outcome: 'not-sent',
      serverId: 'a',
      generation: 1,
    });
    expect(error.cause).toBe(reason);
    expect(w.server('a').executed).toEqual([]);
    expect(session.info.failedRequests).toBe(0);
  });

  it('aborted before it could leave is not sent', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').congest();
    const abort = new AbortController();
    const call = outcomeOf(session.callTool('echo', {}, { signal: abort.signal }));
    await w.clock.settle();
    abort.abort('enough');
    await w.clock.settle();
    expect(call.error()).toMatchObject({ name: 'AbortError', outcome: 'not-sent', cause: 'enough' });
    w.server('a').decongest();
    await w.clock.settle();
    expect(w.server('a').executed).toEqual([]);
  });

  it('aborted after it was sent has an unknown outcome, and the server hears of it', async () => {
    const w = world();
    const session = await w.add('a');
    let heard = false;
    w.server('a').onCall = (_name, _args, signal) => {
      signal.addEventListener('abort', () => {
        heard = true;
      });
      return new Promise(() => undefined);
    };
    const abort = new AbortController();
    const call = outcomeOf(session.callTool('echo', {}, { signal: abort.signal }));
    await w.clock.settle();
    abort.abort();
    await w.clock.settle();
    expect(call.error()).toMatchObject({ name: 'AbortError', outcome: 'unknown', cause: abort.signal.reason });
    expect(heard).toBe(true);
    expect(session.state).toBe('healthy');
  });

  it('in flight when the link is lost has an unknown outcome, at once, and is not repeated', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const call = outcomeOf(session.callTool('transfer', { amount: 5 }), w.clock);
    await w.clock.advance(5);
    w.server('a').exit(9);
    await w.clock.settle();
    expect(call.atMs).toBe(5);
    expect(call.error()).toMatchObject({
      name: 'OutcomeUnknownError',
      code: 'OUTCOME_UNKNOWN',
      outcome: 'unknown',
      serverId: 'a',
      generation: 1,
      tool: 'transfer',
      retryable: false,
    });
    await w.clock.advance(100_000);
    expect(session.state).toBe('healthy');
    expect(w.server('a').executed).toEqual([{ tool: 'transfer', args: { amount: 5 }, generation: 1 }]);
    expect(session.info).toMatchObject({ failedRequests: 1, activeRequests: 0 });
  });

  it('not yet written when the link is lost was not sent', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').congest();
    const call = outcomeOf(session.callTool('echo', {}, { waitForReadyMs: 0 }));
    await w.clock.settle();
    w.server('a').exit();
    await w.clock.settle();
    expect(call.error()).toMatchObject({ code: 'NOT_READY', outcome: 'not-sent', generation: 1 });
    w.server('a').decongest();
    await w.clock.advance(1_000);
    expect(w.server('a').executed).toEqual([]);
  });

  it('that does not wait for a connection is refused at once, with the time to the next attempt', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').exit();
    await w.clock.advance(100);
    expect(await failureOf(() => session.callTool('echo', {}, { waitForReadyMs: 0 }))).toMatchObject({
      name: 'NotReadyError',
      code: 'NOT_READY',
      outcome: 'not-sent',
      retryable: true,
      retryAfterMs: 150,
      serverId: 'a',
      generation: 1,
      message:
        'Server "a" is not connected but disconnected.backingOff (the process exited with code 1); the call was not sent.',
    });
    expect(session.info.failedRequests).toBe(0);
  });

  it('the time to the next attempt does not depend on the wall clock', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').exit();
    await w.clock.advance(100);
    w.clock.jumpWall(3_600_000);
    expect(await failureOf(() => session.callTool('echo', {}, { waitForReadyMs: 0 }))).toMatchObject({
      retryAfterMs: 150,
    });
  });

  it('to an unhealthy server is refused, unless the caller insists', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').answersPing = false;
    await w.clock.advance(20_000);
    expect(session.state).toBe('degraded');
    expect(await session.callTool('echo')).toBeDefined();
    await w.clock.advance(25_000);
    expect(session.state).toBe('unhealthy');
    expect(await failureOf(() => session.callTool('echo'))).toMatchObject({
      code: 'NOT_READY',
      outcome: 'not-sent',
      message:
        'Server "a" is unhealthy (no answer to a check within 5000 ms); the call was not sent. Wait for it to recover, or insist with evenIfUnhealthy.',
    });
    expect(w.server('a').executed).toHaveLength(1);
    expect(await session.callTool('echo', {}, { evenIfUnhealthy: true })).toEqual({
      content: [{ type: 'text', text: '{}' }],
    });
    expect(session.state).toBe('unhealthy');
  });

  it('is given its time anew by each progress notification, up to maxTimeoutMs', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').onCall = (_name, _args, _signal, onProgress) => {
      for (let at = 800; at <= 20_000; at += 800)
        w.clock.setTimeout(() => {
          onProgress({ progress: at });
        }, at);
      return new Promise(() => undefined);
    };
    const seen: number[] = [];
    const call = outcomeOf(
      session.callTool(
        'echo',
        {},
        { timeoutMs: 1_000, maxTimeoutMs: 5_000, onProgress: ({ progress }) => seen.push(progress) },
      ),
      w.clock,
    );
    await w.clock.advance(4_999);
    expect(call.state).toBe('pending');
    await w.clock.advance(1);
    expect(call.atMs).toBe(5_000);
    expect(call.error()).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown' });
    expect(seen).toEqual([800, 1_600, 2_400, 3_200, 4_000, 4_800]);
    await w.clock.advance(20_000);
    expect(seen).toHaveLength(6);
  });

  it('that ran into maxTimeoutMs says so, not that it had its usual time', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').onCall = (_name, _args, _signal, onProgress) => {
      for (let at = 800; at <= 6_000; at += 800)
        w.clock.setTimeout(() => {
          onProgress({ progress: at });
        }, at);
      return new Promise(() => undefined);
    };
    const call = outcomeOf(
      session.callTool('echo', {}, { timeoutMs: 1_000, maxTimeoutMs: 5_000, onProgress: () => undefined }),
    );
    await w.clock.advance(7_000);
    expect(call.error()).toMatchObject({ timeoutMs: 5_000 });
  });

  it('whose onProgress throws ends as aborted, with what was thrown as its cause, and nothing else is harmed', async () => {
    const w = world();
    const session = await w.add('a');
    const thrown = new Error('mine');
    w.server('a').onCall = (name, _args, _signal, onProgress) => {
      if (name === 'slow')
        w.clock.setTimeout(() => {
          onProgress({ progress: 1 });
        }, 10);
      return name === 'slow' ? new Promise(() => undefined) : { content: [] };
    };
    const call = outcomeOf(
      session.callTool(
        'slow',
        {},
        {
          onProgress: () => {
            throw thrown;
          },
        },
      ),
    );
    await w.clock.advance(10);
    expect(call.error()).toMatchObject({ name: 'AbortError', code: 'CALL_ABORTED', outcome: 'unknown', cause: thrown });
    expect(await session.callTool('quick')).toEqual({ content: [] });
    expect(session.state).toBe('healthy');
  });

  it('tells once who has served it', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').exit();
    await w.clock.advance(250);
    const served: unknown[] = [];
    await session.callTool('echo', {}, { onServed: (by) => served.push(by) });
    expect(served).toEqual([{ serverId: 'a', generation: 2, attempts: 1 }]);
    w.server('a').onCall = rpc(-32_602);
    await failureOf(() => session.callTool('echo', {}, { onServed: (by) => served.push(by) }));
    expect(served).toHaveLength(2);
    w.server('a').answersCalls = false;
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 5, onServed: (by) => served.push(by) }));
    await w.clock.advance(5);
    expect(call.state).toBe('rejected');
    expect(served).toHaveLength(2);
  });

  it('whose onServed throws is settled all the same', async () => {
    const w = world();
    const session = await w.add('a');
    expect(
      await session.callTool(
        'echo',
        {},
        {
          onServed: () => {
            throw new Error('mine');
          },
        },
      ),
    ).toEqual({ content: [{ type: 'text', text: '{}' }] });
  });

  it.each([[{}], [{ content: 'text' }], [{ content: null }], [{ result: [] }]])(
    'answered with %j, which is no tool result, throws ProtocolError',
    async (result) => {
      const w = world();
      const session = await w.add('a');
      w.server('a').onCall = () => result;
      expect(await failureOf(() => session.callTool('echo'))).toMatchObject({
        name: 'ProtocolError',
        code: 'PROTOCOL',
        outcome: 'executed',
        serverId: 'a',
        generation: 1,
      });
      expect(session.info).toMatchObject({ activeRequests: 0, successfulRequests: 0, failedRequests: 1 });
    },
  );
});

describe('calls that get no answer', () => {
  it('make a session degraded; one that is answered ends that, after two good checks', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').answersCalls = false;
    const failing = outcomeOf(session.callTool('echo', {}, { timeoutMs: 1_000 }));
    await w.clock.advance(1_000);
    expect(failing.state).toBe('rejected');
    expect(session.info).toMatchObject({ state: 'degraded', reason: 'calls get no answer', failedHealthChecks: 0 });
    await w.clock.advance(30_000);
    expect(session.state).toBe('degraded');
    w.server('a').answersCalls = true;
    await session.callTool('echo');
    w.news();
    await w.clock.advance(10_000);
    expect(session.info).toMatchObject({ state: 'healthy', reason: null });
  });

  it('say nothing of the next generation', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').answersCalls = false;
    const failing = outcomeOf(session.callTool('echo', {}, { timeoutMs: 1_000 }));
    await w.clock.advance(1_000);
    expect(failing.state).toBe('rejected');
    session.reconnect();
    await w.clock.settle();
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2, reason: null });
  });

  it('that their callers gave up say nothing of the server', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const abort = new AbortController();
    const call = outcomeOf(session.callTool('echo', {}, { signal: abort.signal }));
    await w.clock.settle();
    abort.abort();
    await w.clock.settle();
    expect(call.state).toBe('rejected');
    expect(session.state).toBe('healthy');
  });
});

describe('an answer of an older generation', () => {
  it('changes nothing of the present one', async () => {
    const late: (() => void)[] = [];
    let opened = 0;
    const driver: LinkDriver = {
      name: 'late',
      open(spec) {
        opened += 1;
        const mine = opened;
        let open = false;
        queueMicrotask(() => {
          open = true;
          spec.onEvent({ type: 'opened', facts });
        });
        const link: Link = {
          get isOpen() {
            return open;
          },
          probe: () => pending(Promise.resolve()),
          request: () =>
            pending(
              new Promise((resolve) => {
                if (mine === 1)
                  late.push(() => {
                    resolve({ content: [] });
                  });
                else resolve({ content: [] });
              }),
            ),
          notify: () => Promise.resolve(),
          close() {
            open = false;
            spec.onEvent({ type: 'down', fault: { kind: 'closed', code: 'closed', message: 'closed' } });
            return Promise.resolve();
          },
        };
        return link;
      },
    };
    const w = world({ ports: { links: () => driver } });
    const session = await w.add('a');
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 200_000 }));
    await w.clock.settle();
    session.reconnect();
    await w.clock.advance(14_000);
    expect(session.info).toMatchObject({ state: 'healthy', generation: 2, activeRequests: 1 });
    const before = session.info;
    for (const answer of late) answer();
    await w.clock.settle();
    expect(call.state).toBe('resolved');
    expect.soft(session.info.latencyMs).toEqual(before.latencyMs);
    w.news();
    await w.clock.advance(2_000);
    expect(w.news()).toContain('15250 a 2 check ok in 0');
  });
});

describe('the other verbs', () => {
  it('list what the server lists, page by page', async () => {
    const w = world();
    const schema = { type: 'object' };
    w.server('a', {
      pageSize: 2,
      tools: Array.from({ length: 5 }, (_, n) => ({ name: `t${n}`, inputSchema: schema })),
    });
    const session = await w.add('a');
    expect((await session.listTools()).map((tool) => tool.name)).toEqual(['t0', 't1', 't2', 't3', 't4']);
    expect(session.catalog.tools.map((listed) => listed.tool.name)).toEqual(['t0', 't1', 't2', 't3', 't4']);
    expect(await session.listResources()).toEqual([]);
    expect(await session.listResourceTemplates()).toEqual([]);
    expect(await session.listPrompts()).toEqual([]);
    expect(await session.complete({ ref: {} })).toEqual({ completion: { values: [] } });
    await session.setLogLevel('debug');
    await session.subscribeResource('file:///a');
    await session.unsubscribeResource('file:///a');
    expect(w.server('a').received.slice(-3)).toEqual([
      { method: 'logging/setLevel', params: { level: 'debug' }, generation: 1 },
      { method: 'resources/subscribe', params: { uri: 'file:///a' }, generation: 1 },
      { method: 'resources/unsubscribe', params: { uri: 'file:///a' }, generation: 1 },
    ]);
  });

  it('stop after 64 pages of a list that never ends', async () => {
    const w = world();
    const session = await w.add('a');
    let pages = 0;
    w.server('a').onRequest = (method) => {
      if (method !== 'resources/list') return undefined;
      pages += 1;
      return { resources: [{ uri: `r${pages}`, name: 'r' }], nextCursor: 'more' };
    };
    expect(await session.listResources()).toHaveLength(64);
    expect(pages).toBe(64);
  });

  it('are of any length', async () => {
    const w = world();
    const session = await w.add('a');
    const resources = Array.from({ length: 300_000 }, () => ({ uri: 'r', name: 'r' }));
    w.server('a').onRequest = (method) => (method === 'resources/list' ? { resources } : undefined);
    expect(await session.listResources()).toHaveLength(300_000);
  });

  it('reject malformed answers with ProtocolError', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').onRequest = () => ({ nothing: true });
    for (const run of [
      () => session.listTools(),
      () => session.listResources(),
      () => session.listResourceTemplates(),
      () => session.listPrompts(),
      () => session.readResource('x'),
      () => session.getPrompt('x'),
      () => session.complete({}),
    ]) {
      expect(await failureOf(run)).toMatchObject({ code: 'PROTOCOL', serverId: 'a', generation: 1 });
    }
  });

  it('ping measures one round trip; it is no health check', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').answerMs = 25;
    const ping = outcomeOf(session.ping());
    await w.clock.advance(25);
    expect(ping.value()).toEqual({ ms: 25 });
    expect(session.info.lastHealthCheck).toBe(START);
    w.server('a').answersPing = false;
    const silent = outcomeOf(session.ping({ timeoutMs: 300 }), w.clock);
    await w.clock.advance(300);
    expect(silent.atMs).toBe(325);
    expect(silent.error()).toMatchObject({ code: 'CALL_TIMEOUT', timeoutMs: 300 });
  });

  it('notify sends a notification, and says in a type of its own that it could not', async () => {
    const w = world();
    const session = await w.add('a');
    await session.notify('notifications/roots/list_changed', { x: 1 });
    await w.clock.settle();
    expect(w.server('a').received.at(-1)).toEqual({
      method: 'notifications/roots/list_changed',
      params: { x: 1 },
      generation: 1,
    });
    w.server('a').exit();
    await w.clock.advance(0);
    expect(await failureOf(() => session.notify('x'))).toMatchObject({
      name: 'NotReadyError',
      code: 'NOT_READY',
      outcome: 'not-sent',
    });
  });

  it('notifications of the server arrive, of the present connection only', async () => {
    const w = world();
    const session = await w.add('a');
    const seen: unknown[] = [];
    session.notifications$.subscribe((each) => seen.push(each));
    w.server('a').notify('notifications/message', { level: 'info' });
    w.server('a').exit();
    w.server('a').notify('notifications/message', { level: 'lost' });
    await w.clock.advance(250);
    w.server('a').notify('notifications/message', { level: 'again' });
    expect(seen).toEqual([
      { method: 'notifications/message', params: { level: 'info' } },
      { method: 'notifications/message', params: { level: 'again' } },
    ]);
  });
});

it('a hundred calls at once are each answered with their own result', async () => {
  const w = world();
  const session = await w.add('a', { maxInFlight: 100 });
  w.server('a').answerMs = 5;
  const calls = Array.from({ length: 100 }, (_, n) => outcomeOf(session.callTool('echo', { n })));
  await w.clock.settle();
  expect(session.info.activeRequests).toBe(100);
  await w.clock.advance(5);
  expect(calls.map((call) => call.value().content)).toEqual(
    calls.map((_, n) => [{ type: 'text', text: `{"n":${n}}` }]),
  );
  expect(session.info).toMatchObject({ successfulRequests: 100, failedRequests: 0, activeRequests: 0 });
});
