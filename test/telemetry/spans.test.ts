import {
  context,
  createTraceState,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grouped } from '../manager/group-world.ts';
import { failureOf, outcomeOf, world } from '../manager/support.ts';
import { telemetryOf } from './telemetry-world.ts';
import { w3c } from './w3c-propagator.ts';

const known = {
  'holdfast.server.id': 'a',
  'holdfast.session.generation': 1,
  'mcp.protocol.version': '2025-11-25',
};
const echoing = {
  'mcp.method.name': 'tools/call',
  'gen_ai.tool.name': 'echo',
  'gen_ai.operation.name': 'execute_tool',
};
const callers = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(w3c);
});

afterAll(() => {
  context.disable();
  propagation.disable();
});

/** The span as it is exported, as far as it is ours to say. */
function shown({ name, kind, attributes, status, events }: ReadableSpan) {
  return { name, kind, attributes, status, events: events.map((event) => [event.name, event.attributes]) };
}

describe('the span of a call', () => {
  it('is named by its method and tool, and says what came of it', async () => {
    const w = world();
    const a = await w.add('a');
    const telemetry = telemetryOf(w.manager);
    await a.callTool('echo', { n: 1 });
    await a.listPrompts();
    const attributes = { ...known, 'holdfast.attempts': 1 };
    expect(telemetry.spans().map(shown)).toEqual([
      {
        name: 'tools/call echo',
        kind: SpanKind.CLIENT,
        attributes: { ...echoing, ...attributes },
        status: { code: SpanStatusCode.UNSET },
        events: [],
      },
      {
        name: 'prompts/list',
        kind: SpanKind.CLIENT,
        attributes: { 'mcp.method.name': 'prompts/list', ...attributes },
        status: { code: SpanStatusCode.UNSET },
        events: [],
      },
    ]);
  });

  it('names a prompt, but not the address of a resource', async () => {
    const w = world();
    const a = await w.add('a');
    w.server('a', { onRequest: () => ({ messages: [], contents: [] }) });
    const telemetry = telemetryOf(w.manager);
    await a.getPrompt('greeting');
    await a.readResource('file:///private');
    expect(telemetry.spans().map(({ name, attributes }) => [name, attributes['mcp.resource.uri']])).toEqual([
      ['prompts/get greeting', undefined],
      ['resources/read', undefined],
    ]);
  });

  it('is one for all attempts, with an event for each after the first', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const telemetry = telemetryOf(w.manager);
    w.server('a').congest();
    const call = outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    w.server('a').kill();
    await w.clock.settle();
    call.value();
    const member = { 'holdfast.server.id': 'b', 'holdfast.session.generation': 1 };
    expect(telemetry.spans().map(shown)).toEqual([
      {
        name: 'tools/call echo',
        kind: SpanKind.CLIENT,
        attributes: { ...echoing, ...known, ...member, 'holdfast.group.id': 'team', 'holdfast.attempts': 2 },
        status: { code: SpanStatusCode.UNSET },
        events: [['holdfast.retry', { ...member, 'error.type': 'NOT_READY' }]],
      },
    ]);
  });

  it('has failed with the type of the error, and without its message', async () => {
    const w = world();
    const a = await w.add('a');
    const telemetry = telemetryOf(w.manager);
    w.server('a', { onCall: () => ({ content: [], isError: true }) });
    await a.callTool('echo');
    w.server('a', {
      onCall: () => {
        throw Object.assign(new Error('the key is wrong'), { code: -32_602 });
      },
    });
    await failureOf(() => a.callTool('echo'));
    expect(
      telemetry
        .spans()
        .map(({ attributes, status }) => [attributes['error.type'], attributes['rpc.response.status_code'], status]),
    ).toEqual([
      ['tool_error', undefined, { code: SpanStatusCode.ERROR }],
      ['-32602', '-32602', { code: SpanStatusCode.ERROR }],
    ]);
  });

  it('is a child of the span in which the call was made', async () => {
    const w = world();
    const a = await w.add('a');
    const telemetry = telemetryOf(w.manager);
    await context.with(trace.setSpanContext(ROOT_CONTEXT, callers), () => a.callTool('echo'));
    const [span] = telemetry.spans();
    expect([span?.spanContext().traceId, span?.parentSpanContext?.spanId]).toEqual([callers.traceId, callers.spanId]);
  });

  it('ends also when telemetry was stopped meanwhile', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const a = await w.add('a', { callTimeoutMs: 1_000 });
    const telemetry = telemetryOf(w.manager);
    const call = outcomeOf(a.callTool('echo'));
    await w.clock.settle();
    telemetry.stop();
    await w.clock.advance(1_000);
    expect([call.state, telemetry.spans().map(({ attributes }) => attributes['error.type'])]).toEqual([
      'rejected',
      ['CALL_TIMEOUT'],
    ]);
  });
});

describe('what is sent along', () => {
  const state = createTraceState('vendor=1');
  const around = propagation.setBaggage(
    trace.setSpanContext(ROOT_CONTEXT, { ...callers, traceState: state }),
    propagation.createBaggage({ tenant: { value: 'acme' } }),
  );

  async function sent(propagated: 'all' | 'trace' | 'none' | undefined): Promise<readonly unknown[]> {
    const w = world();
    const a = await w.add('a');
    const telemetry = telemetryOf(w.manager, { propagation: propagated });
    await context.with(around, () => a.listPrompts());
    const [span] = telemetry.spans();
    return [w.server('a').received.at(-1)?.params, span?.spanContext().spanId];
  }

  it('is the span of the call, the state of its trace and the baggage: the keys that the protocol reserves, and no other', async () => {
    const [params, spanId] = await sent(undefined);
    expect(params).toEqual({
      _meta: {
        traceparent: `00-${callers.traceId}-${String(spanId)}-01`,
        tracestate: 'vendor=1',
        baggage: 'tenant=acme',
      },
    });
  });

  it('is no baggage with `trace`, and nothing with `none`', async () => {
    const [trace_, spanId] = await sent('trace');
    expect(trace_).toEqual({
      _meta: { traceparent: `00-${callers.traceId}-${String(spanId)}-01`, tracestate: 'vendor=1' },
    });
    expect((await sent('none'))[0]).toEqual({});
  });

  it('is nothing without spans', async () => {
    const w = world();
    const a = await w.add('a');
    telemetryOf(w.manager, { tracerProvider: null });
    await context.with(around, () => a.listPrompts());
    expect(w.server('a').received.at(-1)?.params).toEqual({});
  });
});

describe('contents', () => {
  it('are in spans only when they are asked for', async () => {
    const w = world();
    const a = await w.add('a');
    const telemetry = telemetryOf(w.manager, { content: true });
    await a.callTool('echo', { n: 1 });
    await failureOf(() => a.readResource('file:///private'));
    const [call, read] = telemetry.spans();
    expect(call?.attributes).toMatchObject({
      'gen_ai.tool.call.arguments': '{"n":1}',
      'gen_ai.tool.call.result': '{"content":[{"type":"text","text":"{\\"n\\":1}"}]}',
    });
    expect([read?.attributes['mcp.resource.uri'], read?.status]).toEqual([
      'file:///private',
      {
        code: SpanStatusCode.ERROR,
        message: 'Server "a" answered resources/read with error -32601: Method not found: resources/read',
      },
    ]);
  });

  it('that are no JSON cost nothing but themselves', async () => {
    const w = world();
    const a = await w.add('a');
    w.server('a', { onCall: () => ({ content: [] }) });
    const telemetry = telemetryOf(w.manager, { content: true });
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    await Promise.allSettled([a.callTool('echo', circular)]);
    await a.callTool('echo', {});
    expect(telemetry.spans().map(({ attributes }) => attributes['gen_ai.tool.call.arguments'])).toEqual(['', '{}']);
  });
});

describe('the span of a request of a server', () => {
  it('continues the trace that the server sent, and is around its handler', async () => {
    const w = world();
    const inside: unknown[] = [];
    await w.add('a', {
      handlers: {
        sample: async () => {
          inside.push(trace.getActiveSpan()?.spanContext().spanId);
          return { model: 'm', role: 'assistant', content: { type: 'text', text: 'hi' } };
        },
      },
    });
    const telemetry = telemetryOf(w.manager);
    const _meta = { traceparent: `00-${callers.traceId}-${callers.spanId}-01` };
    await w.server('a').ask('sampling/createMessage', { messages: [], _meta });
    const spans = telemetry.spans();
    expect(spans.map(shown)).toEqual([
      {
        name: 'sampling/createMessage',
        kind: SpanKind.SERVER,
        attributes: { 'mcp.method.name': 'sampling/createMessage', ...known },
        status: { code: SpanStatusCode.UNSET },
        events: [],
      },
    ]);
    expect(
      spans.map((span) => [span.spanContext().traceId, span.parentSpanContext?.spanId, span.spanContext().spanId]),
    ).toEqual([[callers.traceId, callers.spanId, inside[0]]]);
  });

  it.for([undefined, 7, { traceparent: 7 }, { traceparent: 'garbage' }])(
    'begins a trace of its own where the server sent none that can be read: %j',
    async (_meta) => {
      const w = world();
      await w.add('a', { handlers: { elicit: () => Promise.reject(new Error('nobody is here')) } });
      const telemetry = telemetryOf(w.manager);
      await Promise.allSettled([w.server('a').ask('elicitation/create', { message: 'which one?', _meta })]);
      expect(
        telemetry
          .spans()
          .map((span) => [span.name, span.parentSpanContext, span.status, span.attributes['error.type']]),
      ).toEqual([['elicitation/create', undefined, { code: SpanStatusCode.ERROR }, '_OTHER']]);
    },
  );
});
