import { join } from 'node:path';
import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { SessionManager, stdio } from '../../src/index.ts';
import { startLeakCheck, type LeakCheck } from '../../src/testing/index.ts';
import { telemetryOf } from './telemetry-world.ts';
import { w3c } from './w3c-propagator.ts';

const callers = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
let leaks: LeakCheck;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(w3c);
});

afterAll(() => {
  context.disable();
  propagation.disable();
});

beforeEach(() => {
  leaks = startLeakCheck();
});

afterEach(async () => {
  await leaks.verify();
});

it('a real server gets the trace context of the call in its _meta, and its question comes back as part of the same trace', async () => {
  const manager = new SessionManager();
  const { spans, series, stop } = telemetryOf(manager);
  const session = await manager.addServer(
    'traced',
    stdio({ command: process.execPath, args: [join(import.meta.dirname, 'fixtures', 'traced-server.mjs')] }),
    {
      handlers: {
        sample: async () => ({
          model: 'm',
          role: 'assistant',
          content: { type: 'text', text: trace.getActiveSpan()?.spanContext().traceId },
        }),
      },
    },
  );
  const around = propagation.setBaggage(
    trace.setSpanContext(ROOT_CONTEXT, callers),
    propagation.createBaggage({ tenant: { value: 'acme' } }),
  );
  const { content } = await context.with(around, () => session.callTool('trace'));
  await manager.close();

  const [question, call] = spans();
  expect(content).toEqual([
    {
      type: 'text',
      text: JSON.stringify({
        traceparent: `00-${callers.traceId}-${String(call?.spanContext().spanId)}-01`,
        baggage: 'tenant=acme',
      }),
    },
    { type: 'text', text: callers.traceId },
  ]);
  expect(call?.attributes).toMatchObject({ 'network.transport': 'pipe', 'mcp.protocol.version': '2025-11-25' });
  expect([question?.name, question?.parentSpanContext?.spanId, call?.name, call?.parentSpanContext?.spanId]).toEqual([
    'sampling/createMessage',
    call?.spanContext().spanId,
    'tools/call trace',
    callers.spanId,
  ]);
  const [[attributes] = []] = await series('mcp.client.session.duration');
  expect(attributes).toEqual({ 'holdfast.server.id': 'traced', 'mcp.protocol.version': '2025-11-25' });
  stop();
});
