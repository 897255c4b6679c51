import { describe, expect, it } from 'vitest';
import type { CheckRequest, OutputValidator, Verdict } from '../../src/index.ts';
import { failureOf, outcomeOf, world, type World } from './support.ts';

const forecast = {
  name: 'forecast',
  inputSchema: { type: 'object' },
  outputSchema: { type: 'object', properties: { degrees: { type: 'number' } }, required: ['degrees'] },
};
const answer = (structuredContent: unknown) => () => ({ content: [], structuredContent });

async function serving(structuredContent: unknown, validator?: OutputValidator): Promise<World> {
  const w = world({
    behaviour: {
      tools: [forecast, { name: 'plain', inputSchema: { type: 'object' } }],
      onCall: answer(structuredContent),
    },
    ...(validator && { ports: { validator } }),
  });
  await w.add('weather');
  return w;
}

/** Gives its verdicts when the test says so. */
function slowValidator(): {
  validator: OutputValidator;
  asked: CheckRequest[];
  say: (verdict: Verdict) => void;
  closed: () => number;
} {
  const asked: CheckRequest[] = [];
  const waiting: ((verdict: Verdict) => void)[] = [];
  let closed = 0;
  return {
    asked,
    say: (verdict) => waiting.shift()?.(verdict),
    closed: () => closed,
    validator: {
      check: (request) => {
        asked.push(request);
        return new Promise((resolve) => waiting.push(resolve));
      },
      close: () => {
        closed += 1;
        return Promise.resolve();
      },
    },
  };
}

describe('what a tool returns', () => {
  it('is delivered when it meets the schema that the tool declares', async () => {
    const w = await serving({ degrees: 21 });
    expect(await w.manager.session('weather').callTool('forecast')).toEqual({
      content: [],
      structuredContent: { degrees: 21 },
    });
  });

  it.each([
    ['has a wrong type somewhere', { degrees: 'warm' }, '/degrees', '/degrees must be number'],
    ['lacks something', {}, '', "the structured content must have required property 'degrees'"],
    ['has no structured content at all', undefined, '', 'the structured content must be object'],
  ])('and %s is an error that keeps the result: the tool was executed', async (_what, content, path, said) => {
    const w = await serving(content);
    const served: string[] = [];
    const error = await failureOf(() =>
      w.manager
        .session('weather')
        .callTool('forecast', {}, { retry: 'safe', onServed: ({ serverId }) => served.push(serverId) }),
    );
    expect(error).toMatchObject({
      name: 'InvalidResultError',
      code: 'INVALID_RESULT',
      outcome: 'executed',
      tool: 'forecast',
      path,
      result: { content: [], structuredContent: content },
      message: `Server "weather" executed the call of tool "forecast", but its result does not meet the tool's own output schema: ${said}.`,
    });
    expect(Object.keys(error)).not.toContain('result');
    expect([served, w.server('weather').executed.length]).toEqual([['weather'], 1]);
    expect(w.manager.session('weather').info).toMatchObject({ state: 'healthy', successfulRequests: 1 });
  });

  it.each([
    ['declares no schema', 'plain', {}],
    ['is not to be checked', 'forecast', { validateOutput: false }],
  ])('is delivered as it is when the tool %s', async (_what, tool, options) => {
    const w = world({
      behaviour: { tools: [forecast, { name: 'plain', inputSchema: { type: 'object' } }], onCall: answer('text') },
    });
    const session = await w.add('weather', options);
    expect(await session.callTool(tool)).toEqual({ content: [], structuredContent: 'text' });
  });

  it('is not checked when the tool says that it failed', async () => {
    const w = await serving(undefined);
    w.server('weather').onCall = () => ({ content: [], isError: true });
    expect(await w.manager.session('weather').callTool('forecast')).toEqual({ content: [], isError: true });
  });

  it('is delivered as it is when it cannot be checked, which is told once for each schema', async () => {
    const { validator, asked, say } = slowValidator();
    const w = await serving({ degrees: 1 }, validator);
    w.news();
    for (const repeated of [false, true]) {
      const call = outcomeOf(w.manager.session('weather').callTool('forecast'));
      await w.clock.settle();
      expect(call.state).toBe('pending');
      say({ kind: 'unchecked', reason: 'quarantined', message: 'it took too long twice', repeated });
      await w.clock.settle();
      expect(call.value()).toEqual({ content: [], structuredContent: { degrees: 1 } });
    }
    expect(w.news()).toEqual(['0 weather 1 resultUnchecked forecast: quarantined']);
    expect(asked.map(({ server, schema, value }) => ({ server, schema, value }))).toEqual([
      { server: 'weather', schema: forecast.outputSchema, value: { degrees: 1 } },
      { server: 'weather', schema: forecast.outputSchema, value: { degrees: 1 } },
    ]);
    expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
  });

  it('and is still being checked when the call’s time ends is delivered; when it is aborted it is not', async () => {
    const { validator, say } = slowValidator();
    const w = await serving({ degrees: 1 }, validator);
    const abort = new AbortController();
    const timed = outcomeOf(w.manager.session('weather').callTool('forecast', {}, { timeoutMs: 500 }), w.clock);
    const aborted = outcomeOf(w.manager.session('weather').callTool('forecast', {}, { signal: abort.signal }), w.clock);
    await w.clock.advance(200);
    abort.abort('enough');
    await w.clock.advance(1_000);
    expect([timed.atMs, aborted.atMs]).toEqual([500, 200]);
    expect(timed.value()).toEqual({ content: [], structuredContent: { degrees: 1 } });
    expect(aborted.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'unknown', cause: 'enough' });
    say({ kind: 'valid' });
  });

  it('a validator that was given is not closed with the manager', async () => {
    const { validator, closed } = slowValidator();
    const w = await serving({ degrees: 1 }, validator);
    const closing = outcomeOf(w.manager.close({ drainMs: 0 }));
    await w.clock.settle();
    closing.value();
    expect(closed()).toBe(0);
  });
});
