import { describe, expect, it } from 'vitest';
import type { Session } from '../../src/index.ts';
import { grouped } from '../manager/group-world.ts';
import { failureOf, outcomeOf, world, type World } from '../manager/support.ts';
import { telemetryOf } from './telemetry-world.ts';

const durations = 'mcp.client.operation.duration';
const known = { 'holdfast.server.id': 'a', 'mcp.protocol.version': '2025-11-25' };
const echoing = {
  'mcp.method.name': 'tools/call',
  'gen_ai.tool.name': 'echo',
  'gen_ai.operation.name': 'execute_tool',
};

async function one(): Promise<{ readonly w: World; readonly a: Session }> {
  const w = world();
  return { w, a: await w.add('a') };
}

describe('the duration of a call', () => {
  it('is counted in seconds, over all of its time, by method, tool and server', async () => {
    const { w, a } = await one();
    const telemetry = telemetryOf(w.manager);
    w.server('a', { answerMs: 250 });
    const calls = [outcomeOf(a.callTool('echo')), outcomeOf(a.listPrompts())];
    await w.clock.advance(250);
    for (const call of calls) call.value();
    expect(await telemetry.series(durations)).toEqual([
      [
        { ...echoing, ...known },
        { count: 1, sum: 0.25 },
      ],
      [
        { 'mcp.method.name': 'prompts/list', ...known },
        { count: 1, sum: 0.25 },
      ],
    ]);
  });

  it.for([
    {
      what: 'a result that says that the tool failed: tool_error',
      behave: { onCall: () => ({ content: [], isError: true }) },
      error: { 'error.type': 'tool_error' },
    },
    {
      what: 'an error of the protocol: its code',
      behave: {
        onCall: () => {
          throw Object.assign(new Error('the arguments are wrong'), { code: -32_602 });
        },
      },
      error: { 'error.type': '-32602', 'rpc.response.status_code': '-32602' },
    },
    {
      what: 'an error of holdfast: its code',
      behave: { losesReplies: { kind: 'transport', code: 'ECONNRESET', message: 'the reply was lost' } as const },
      error: { 'error.type': 'OUTCOME_UNKNOWN' },
    },
  ])('has as error.type of $what', async ({ behave, error }) => {
    const { w, a } = await one();
    const telemetry = telemetryOf(w.manager);
    w.server('a', behave);
    await Promise.allSettled([a.callTool('echo')]);
    expect(await telemetry.series(durations)).toEqual([
      [
        { ...echoing, ...known, ...error },
        { count: 1, sum: 0 },
      ],
    ]);
  });

  it('of a call that was not sent is told by what it was asked of', async () => {
    const w = world();
    const a = await w.add('a', { waitForReadyMs: 0 });
    const telemetry = telemetryOf(w.manager);
    w.server('a').kill();
    await w.clock.settle();
    await failureOf(() => a.callTool('echo'));
    expect(await telemetry.series(durations)).toEqual([
      [
        { ...echoing, 'holdfast.server.id': 'a', 'error.type': 'NOT_READY' },
        { count: 1, sum: 0 },
      ],
    ]);
  });

  it('of a call to a group says which member served it, and how often it was sent anew', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const telemetry = telemetryOf(w.manager);
    w.server('a').congest();
    const call = outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    w.server('a').kill();
    await w.clock.settle();
    call.value();
    expect(await telemetry.series(durations)).toEqual([
      [
        { ...echoing, ...known, 'holdfast.group.id': 'team', 'holdfast.server.id': 'b' },
        { count: 1, sum: 0 },
      ],
    ]);
    expect(await telemetry.series('holdfast.call.retries')).toEqual([
      [{ 'holdfast.server.id': 'b', 'error.type': 'NOT_READY' }, 1],
    ]);
  });
});

describe('calls that wait', () => {
  it('are counted while they wait for their turn, and their wait when it is over', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const a = await w.add('a', { maxInFlight: 1, callTimeoutMs: 2_000 });
    const telemetry = telemetryOf(w.manager);
    const calls = [1, 2, 3].map(() => outcomeOf(a.callTool('echo')));
    await w.clock.settle();
    const server = { 'holdfast.server.id': 'a' };
    expect(await telemetry.series('holdfast.calls.waiting')).toEqual([[server, 2]]);
    expect(await telemetry.series('holdfast.calls.in_flight')).toEqual([[server, 1]]);
    await w.clock.advance(2_000);
    expect(calls.map(({ state }) => state)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(await telemetry.series('holdfast.calls.waiting')).toEqual([[server, 0]]);
    expect(await telemetry.series('holdfast.calls.in_flight')).toEqual([[server, 0]]);
    expect(await telemetry.series('holdfast.call.wait.duration')).toEqual([[server, { count: 1, sum: 0 }]]);
  });
});

describe('names that others choose', () => {
  it('beyond the first 1 000 tools are one, so that no metric grows without end', async () => {
    const { w, a } = await one();
    const telemetry = telemetryOf(w.manager);
    for (let number = 0; number < 1_010; number += 1) await a.callTool(`tool-${number}`);
    const names = (await telemetry.series(durations)).map(([attributes]) => attributes['gen_ai.tool.name']);
    const others = (await telemetry.series(durations)).filter(
      ([attributes]) => attributes['gen_ai.tool.name'] === '_OTHER',
    );
    expect([names.length, others.map(([, value]) => value)]).toEqual([1_001, [{ count: 10, sum: 0 }]]);
  });

  it('beyond the first 100 methods, and 100 codes of errors, are one', async () => {
    const { w, a } = await one();
    const telemetry = telemetryOf(w.manager);
    let code = 0;
    w.server('a', {
      onRequest: (method) => {
        if (method !== 'fail') return {};
        code += 1;
        throw Object.assign(new Error('no'), { code });
      },
    });
    for (let number = 0; number < 110; number += 1) {
      await a.request(`method-${number}`);
    }
    const after = await telemetry.series(durations);
    expect(after.map(([attributes]) => attributes['mcp.method.name']).filter((name) => name === '_OTHER')).toEqual([
      '_OTHER',
    ]);
    expect(after.length).toBe(101);
    for (let number = 0; number < 110; number += 1)
      await Promise.allSettled([a.request('fail', {}, { retry: 'never' })]);
    const types = (await telemetry.series(durations)).map(([attributes]) => attributes['error.type']);
    expect(new Set(types).size).toBe(102);
  });
});

describe('a request of a server', () => {
  it('is timed until its handler has answered, with what it threw only as _OTHER', async () => {
    const w = world();
    await w.add('a', {
      handlers: { roots: async () => [], elicit: () => Promise.reject(new Error('nobody is here')) },
    });
    const telemetry = telemetryOf(w.manager);
    await w.server('a').ask('roots/list');
    await Promise.allSettled([w.server('a').ask('elicitation/create')]);
    expect(await telemetry.series('mcp.server.operation.duration')).toEqual([
      [
        { 'mcp.method.name': 'roots/list', ...known },
        { count: 1, sum: 0 },
      ],
      [
        { 'mcp.method.name': 'elicitation/create', ...known, 'error.type': '_OTHER' },
        { count: 1, sum: 0 },
      ],
    ]);
  });
});
