import { describe, expect, it } from 'vitest';
import type { CallOptions, ServerOptions } from '../../src/index.ts';
import type { Fault, RequestFailure } from '../../src/link/fault.ts';
import type { SimulatedBehaviour } from '../../src/testing/index.ts';
import { grouped } from './group-world.ts';
import { failureOf, outcomeOf, world, type World } from './support.ts';

const replyLost: Fault = { kind: 'transport', code: 'reply-lost', message: 'the reply was lost' };
const busy = (retryAfterMs?: number): RequestFailure => ({
  kind: 'refused',
  sent: true,
  fault: { kind: 'overload', code: 'http:429', message: 'the server is busy', retryAfterMs },
});
const forgotten: RequestFailure = {
  kind: 'refused',
  sent: true,
  fault: { kind: 'session-lost', code: 'http:404', message: 'the server knows no such session' },
};
const readOnly = { name: 'look', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } };
const plain = { name: 'buy', inputSchema: { type: 'object' } };

async function held(
  options: ServerOptions = {},
  behaviour: Partial<SimulatedBehaviour> = {},
): Promise<{
  w: World;
  executed: () => number;
  call: (tool: string, options?: CallOptions) => ReturnType<typeof outcomeOf>;
}> {
  const w = world({ behaviour: { tools: [readOnly, plain], ...behaviour } });
  const session = await w.add('a', options);
  return {
    w,
    executed: () => w.server('a').executed.length,
    call: (tool, callOptions) => outcomeOf(session.callTool(tool, {}, callOptions), w.clock),
  };
}

describe('a call that may have been executed', () => {
  it.each<[string, ServerOptions, CallOptions, string]>([
    ['a tool of which nothing is known', {}, {}, 'buy'],
    ['a tool that calls itself read-only, on a server that is not trusted', {}, {}, 'look'],
    ['a tool without annotations, on a server that is trusted', { trustAnnotations: true }, {}, 'buy'],
    [
      'a tool that its owner will have sent once, whatever the server and the caller say',
      { trustAnnotations: true, tools: { look: { retry: 'never' } } },
      { retry: 'safe' },
      'look',
    ],
    ['a call that its caller will have sent once', { trustAnnotations: true }, { retry: 'never' }, 'look'],
  ])('is not repeated: %s', async (_what, options, callOptions, tool) => {
    const { w, executed, call } = await held(options);
    w.server('a').losesReplies = replyLost;
    const settled = call(tool, callOptions);
    await w.clock.advance(60_000);
    expect(settled.error()).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      outcome: 'unknown',
      tool,
      serverId: 'a',
      generation: 1,
    });
    expect([settled.atMs, executed()]).toEqual([0, 1]);
  });

  it.each<[string, ServerOptions, CallOptions, string]>([
    ['a read-only tool on a server that is trusted', { trustAnnotations: true }, {}, 'look'],
    ['a tool that its owner calls safe', { tools: { buy: { retry: 'safe' } } }, {}, 'buy'],
    ['a call that its caller calls safe', {}, { retry: 'safe' }, 'buy'],
  ])('is repeated once, and its answer delivered: %s', async (_what, options, callOptions, tool) => {
    const { w, executed, call } = await held(options);
    w.server('a').losesReplies = replyLost;
    const attempts: number[] = [];
    const settled = call(tool, { ...callOptions, onServed: (served) => attempts.push(served.attempts) });
    await w.clock.advance(50);
    w.server('a').losesReplies = null;
    await w.clock.advance(50);
    expect(settled.value()).toEqual({ content: [{ type: 'text', text: '{}' }] });
    expect([settled.atMs, executed(), attempts]).toEqual([100, 2, [2]]);
  });

  it('and is lost again is given up: it is repeated once', async () => {
    const { w, executed, call } = await held({ trustAnnotations: true });
    w.server('a').losesReplies = replyLost;
    const settled = call('look');
    await w.clock.advance(60_000);
    expect(settled.error()).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
    expect([settled.atMs, executed()]).toEqual([100, 2]);
  });

  it('when its process dies is repeated on the next connection, if that is safe', async () => {
    const { w, executed, call } = await held({ trustAnnotations: true }, { answersCalls: false });
    const settled = call('look');
    const other = call('buy');
    await w.clock.settle();
    w.server('a', { answersCalls: true }).exit();
    await w.clock.advance(1_000);
    expect(settled.value()).toBeDefined();
    expect(other.error()).toMatchObject({ code: 'OUTCOME_UNKNOWN', generation: 1 });
    expect(settled.atMs).toBe(250);
    expect(w.server('a').executed.map(({ tool, generation }) => `${tool} ${generation}`)).toEqual([
      'look 1',
      'buy 1',
      'look 2',
    ]);
    expect(executed()).toBe(3);
  });

  it('is not repeated when the tool has become another one meanwhile', async () => {
    const { w, executed, call } = await held({ trustAnnotations: true }, { answersCalls: false });
    const settled = call('look');
    await w.clock.settle();
    w.server('a', { answersCalls: true, tools: [{ ...readOnly, description: 'Looks, and buys.' }] }).exit();
    await w.clock.advance(1_000);
    expect(settled.error()).toMatchObject({ code: 'OUTCOME_UNKNOWN', generation: 1 });
    expect(executed()).toBe(1);
  });

  it('is a read of the protocol: it is repeated without anybody’s word', async () => {
    const w = world();
    const session = await w.add('a');
    let asked = 0;
    w.server('a').onRequest = (method) => {
      if (method !== 'resources/read') return undefined;
      asked += 1;
      if (asked === 1) w.server('a').exit();
      return { contents: [{ uri: 'x', text: 'y' }] };
    };
    const read = outcomeOf(session.readResource('x'));
    await w.clock.advance(1_000);
    expect(read.value()).toEqual({ contents: [{ uri: 'x', text: 'y' }] });
    expect(asked).toBe(2);
  });

  it('is repeated no more when the server’s budget is spent', async () => {
    const { w, executed, call } = await held({ trustAnnotations: true });
    w.server('a').losesReplies = replyLost;
    // Each call is of a generation of its own, so that the circuit stays out of it.
    const counts: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      const before = executed();
      const settled = call('look');
      await w.clock.advance(200);
      expect(settled.error()).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
      counts.push(executed() - before);
      w.manager.session('a').reconnect();
      await w.clock.advance(2_000);
    }
    expect(counts).toEqual([2, 2, 2, 2, 2, 1, 1]);
  });

  it('and timed out is not repeated: its time is over', async () => {
    const { w, executed, call } = await held({ trustAnnotations: true }, { answersCalls: false });
    const settled = call('look', { timeoutMs: 1_000 });
    await w.clock.advance(10_000);
    expect(settled.error()).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown' });
    expect([settled.atMs, executed()]).toEqual([1_000, 1]);
  });
});

describe('a call that was certainly not executed', () => {
  it('since the server is busy is sent again after the time that the server asked for, any tool', async () => {
    const { w, executed, call } = await held();
    w.server('a').turnsAway = busy(2_000);
    const settled = call('buy');
    await w.clock.advance(1_999);
    w.server('a').turnsAway = null;
    expect(settled.state).toBe('pending');
    await w.clock.advance(1);
    expect(settled.value()).toBeDefined();
    expect(executed()).toBe(1);
  });

  it('is attempted three times at most', async () => {
    const { w, executed, call } = await held();
    w.server('a').turnsAway = busy();
    const before = w.server('a').requests;
    const settled = call('buy');
    await w.clock.advance(60_000);
    expect(settled.error()).toMatchObject({ code: 'OVERLOADED', outcome: 'rejected' });
    expect([settled.atMs, w.server('a').requests - before, executed()]).toEqual([300, 3, 0]);
  });

  it('is refused at once when the server asks for more time than the call has', async () => {
    const { w, call } = await held();
    w.server('a').turnsAway = busy(5_000);
    const settled = call('buy', { timeoutMs: 4_000 });
    await w.clock.settle();
    expect(settled.error()).toMatchObject({ code: 'OVERLOADED', outcome: 'rejected', retryAfterMs: 5_000 });
  });

  it('is not sent again when its caller will have it sent once', async () => {
    const { w, call } = await held();
    w.server('a').turnsAway = busy(10);
    const settled = call('buy', { retry: 'never' });
    await w.clock.settle();
    expect(settled.error()).toMatchObject({ code: 'OVERLOADED' });
  });

  it('is aborted while it waits for its next attempt: nothing more is sent', async () => {
    const { w, executed, call } = await held();
    const abort = new AbortController();
    w.server('a').turnsAway = busy(2_000);
    const settled = call('buy', { signal: abort.signal });
    await w.clock.advance(1_000);
    w.server('a').turnsAway = null;
    abort.abort('enough');
    await w.clock.advance(10_000);
    expect(settled.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'not-sent', cause: 'enough' });
    expect([settled.atMs, executed()]).toEqual([1_000, 0]);
  });

  it('since the server forgot the session is sent once more on the next session', async () => {
    const { w, executed, call } = await held();
    w.server('a').turnsAway = forgotten;
    const settled = call('buy');
    await w.clock.settle();
    w.server('a').turnsAway = null;
    w.server('a').loseSession();
    await w.clock.advance(5_000);
    expect(settled.value()).toBeDefined();
    expect(w.server('a').executed).toEqual([{ tool: 'buy', args: {}, generation: 2 }]);
    expect(executed()).toBe(1);
  });

  it('since it was never written when the link ended is sent on the next one', async () => {
    const { w, call } = await held();
    w.server('a').congest();
    const settled = call('buy');
    await w.clock.settle();
    w.server('a').exit();
    w.server('a').decongest();
    await w.clock.advance(5_000);
    expect(settled.value()).toBeDefined();
    expect(w.server('a').executed).toEqual([{ tool: 'buy', args: {}, generation: 2 }]);
  });
});

describe('a group', () => {
  it('hands what the active member turned away to the next one, at once and whatever the budget', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    w.server('a').turnsAway = busy(5_000);
    for (let n = 0; n < 20; n += 1) {
      const call = outcomeOf(group.callTool('echo', { n }), w.clock);
      await w.clock.settle();
      expect(call.value()).toBeDefined();
    }
    expect(executed('a', 'b')).toEqual([0, 20]);
  });

  it('repeats what may have been executed on another member, if that is safe there', async () => {
    const { w, group, executed } = await grouped(['a', 'b'], {
      servers: { a: { tools: [readOnly] }, b: { tools: [readOnly] } },
      options: { a: { trustAnnotations: true }, b: { trustAnnotations: true } },
    });
    w.server('a').losesReplies = replyLost;
    const served: unknown[] = [];
    const call = outcomeOf(group.callTool('look', {}, { onServed: (by) => served.push(by) }), w.clock);
    await w.clock.settle();
    expect(call.value()).toBeDefined();
    expect(executed('a', 'b')).toEqual([1, 1]);
    expect(served).toEqual([{ serverId: 'b', generation: 1, attempts: 2 }]);
  });

  it('never sends what may have been executed to a second member otherwise', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    w.server('a').losesReplies = replyLost;
    expect(await failureOf(() => group.callTool('echo'))).toMatchObject({ code: 'OUTCOME_UNKNOWN', serverId: 'a' });
    expect(executed('a', 'b')).toEqual([1, 0]);
  });
});
