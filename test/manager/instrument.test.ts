import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import type { Instrumentation, Logger, ServerRequestObserver } from '../../src/index.ts';
import { grouped } from './group-world.ts';
import { failureOf, outcomeOf, world, type World } from './support.ts';

const connection = { serverId: 'a', generation: 1, transport: 'custom', era: 'legacy', protocolVersion: '2025-11-25' };
const echoed = { content: [{ type: 'text', text: '{"n":1}' }] };

/** Instruments the manager of this world; what it hears is in the list, in order. */
function listening({ manager }: World, meta?: Readonly<Record<string, unknown>>) {
  const heard: unknown[] = [];
  const stop = manager.instrument({
    beginOperation: (operation) => {
      heard.push({ began: operation });
      return {
        attempted: (attempt) => {
          heard.push({ attempt });
          return meta;
        },
        ended: (end) => {
          heard.push({ end });
        },
      };
    },
  });
  return { heard, stop };
}

describe('an instrumentation hears of a call', () => {
  it('from its beginning over its attempt to its result', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a', { answerMs: 20 });
    const { heard } = listening(w);
    const call = outcomeOf(session.callTool('echo', { n: 1 }));
    const params = { name: 'echo', arguments: { n: 1 } };
    const began = { began: { method: 'tools/call', params, tool: 'echo', via: { server: 'a' } } };
    const attempt = { attempt: { ...connection, attempt: 1, elapsedMs: 0, after: undefined } };
    expect(heard).toEqual([began, attempt]);
    await w.clock.advance(20);
    expect(call.value()).toEqual(echoed);
    expect(heard).toEqual([began, attempt, { end: { ok: true, result: echoed, elapsedMs: 20, attempts: 1 } }]);
  });

  it('that is sent twice: why, to whom, and how long it had waited', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const { heard } = listening(w);
    w.server('a').congest();
    const call = outcomeOf(group.callTool('echo', { n: 1 }));
    await w.clock.advance(30);
    w.server('a').kill();
    await w.clock.settle();
    expect(call.value()).toEqual(echoed);
    expect(heard).toMatchObject([
      { began: { via: { group: 'team' } } },
      { attempt: { serverId: 'a', attempt: 1, elapsedMs: 0, after: undefined } },
      { attempt: { serverId: 'b', attempt: 2, elapsedMs: 30, after: { code: 'NOT_READY', serverId: 'a' } } },
      { end: { ok: true, attempts: 2, elapsedMs: 30 } },
    ]);
  });

  it('that is not sent at all: its end says so, with the error that the caller gets', async () => {
    const w = world();
    const session = await w.add('a', { waitForReadyMs: 0 });
    const { heard } = listening(w);
    w.server('a').kill();
    await w.clock.settle();
    const error = await failureOf(() => session.callTool('echo'));
    expect(heard).toEqual([
      { began: { method: 'tools/call', params: { name: 'echo', arguments: {} }, tool: 'echo', via: { server: 'a' } } },
      { end: { ok: false, error, elapsedMs: 0, attempts: 0 } },
    ]);
  });

  it('whichever verb makes it: each page of a list, a check by hand', async () => {
    const w = world({ behaviour: { pageSize: 1, tools: ['x', 'y'].map((name) => ({ name, inputSchema: {} })) } });
    const session = await w.add('a');
    const { heard } = listening(w);
    await session.listTools();
    await session.ping();
    expect(
      heard.flatMap((each) => (typeof each === 'object' && each !== null && 'began' in each ? [each.began] : [])),
    ).toEqual([
      { method: 'tools/list', params: undefined, tool: undefined, via: { server: 'a' } },
      { method: 'tools/list', params: { cursor: '1' }, tool: undefined, via: { server: 'a' } },
      { method: 'ping', params: undefined, tool: undefined, via: { server: 'a' } },
    ]);
  });

  it('in the async context of whoever made it', async () => {
    const storage = new AsyncLocalStorage<string>();
    const w = world();
    const session = await w.add('a');
    const seen: (string | undefined)[] = [];
    w.manager.instrument({
      beginOperation: () => {
        seen.push(storage.getStore());
        return undefined;
      },
    });
    await storage.run('mine', () => session.callTool('echo'));
    expect(seen).toEqual(['mine']);
  });
});

describe('what an instrumentation adds to a call', () => {
  it('arrives in the _meta of its params, beside what others add; what the caller has put there stays', async () => {
    const w = world();
    const session = await w.add('a');
    listening(w, { traceparent: 'one', first: 1 });
    listening(w, { traceparent: 'two', second: 2 });
    await session.listPrompts();
    await session.request('prompts/list', { cursor: undefined, _meta: { traceparent: 'own' } });
    const prompts = w.server('a').received.filter(({ method }) => method === 'prompts/list');
    expect(prompts.map(({ params }) => params)).toEqual([
      { _meta: { traceparent: 'two', first: 1, second: 2 } },
      { _meta: { traceparent: 'own', first: 1, second: 2 } },
    ]);
  });

  it('is nowhere where it adds nothing: the params are the caller’s own object', async () => {
    const w = world();
    const session = await w.add('a');
    const { heard } = listening(w);
    await session.listPrompts();
    expect([heard.length, w.server('a').received.at(-1)?.params]).toEqual([3, {}]);
  });
});

describe('an instrumentation', () => {
  it('may come and go; what it has heard begin it hears end', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a');
    const { heard, stop } = listening(w);
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 1_000 }));
    await w.clock.settle();
    stop();
    await failureOf(() => session.callTool('echo', {}, { signal: AbortSignal.abort() }));
    await w.clock.advance(1_000);
    expect(call.state).toBe('rejected');
    expect(heard).toMatchObject([
      { began: {} },
      { attempt: {} },
      { end: { ok: false, error: { code: 'CALL_TIMEOUT' } } },
    ]);
  });

  it.for(['beginOperation', 'attempted', 'ended'] as const)(
    'that throws in %s is logged once and told nothing more; the call and other instrumentations go on',
    async (where) => {
      const logged: unknown[] = [];
      const note: Logger['error'] = (fields, message) => {
        logged.push([fields, message]);
      };
      const logger: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: note };
      const w = world({ ports: { logger } });
      const session = await w.add('a');
      const bug = new Error('a bug of theirs');
      let times = 0;
      const failing = (at: string): undefined => {
        if (at !== where) return undefined;
        times += 1;
        throw bug;
      };
      w.manager.instrument({
        beginOperation: () => {
          failing('beginOperation');
          return { attempted: () => failing('attempted'), ended: () => failing('ended') };
        },
      });
      const { heard } = listening(w);
      expect([await session.callTool('echo', { n: 1 }), await session.callTool('echo', { n: 1 })]).toEqual([
        echoed,
        echoed,
      ]);
      expect([heard.length, times]).toEqual([6, 1]);
      expect(logged).toEqual([[{ err: bug }, 'an instrumentation threw; it is told nothing more']]);
    },
  );

  it('that is none is refused', async () => {
    const { manager } = world();
    const error = await failureOf(() => manager.instrument(Object.freeze([]) as Instrumentation));
    expect(error.code).toBe('INVALID_OPTION');
  });
});

describe('an instrumentation hears of what a server asks', () => {
  const sample = async () => ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'hi' } });

  it('also when it came after the server, and can have the handler run where it likes', async () => {
    const w = world();
    const inside: string[] = [];
    let where = 'outside';
    await w.add('a', {
      handlers: {
        sample: async () => {
          inside.push(where);
          return sample();
        },
      },
    });
    const heard: unknown[] = [];
    const observer: ServerRequestObserver = {
      within: (run) => {
        where = 'within';
        try {
          return run();
        } finally {
          where = 'outside';
        }
      },
      ended: (end) => {
        heard.push(end);
      },
    };
    w.manager.instrument({
      beginServerRequest: (request) => {
        heard.push(request);
        return observer;
      },
    });
    const answer = await w.server('a').ask('sampling/createMessage', { messages: [] });
    expect([answer, inside]).toEqual([await sample(), ['within']]);
    expect(heard).toEqual([
      { ...connection, method: 'sampling/createMessage', params: { messages: [] } },
      { ok: true, result: answer, elapsedMs: 0 },
    ]);
  });

  it('and of what its handler throws', async () => {
    const w = world();
    const refusal = new Error('not now');
    await w.add('a', { handlers: { elicit: () => Promise.reject(refusal), roots: () => Promise.resolve([]) } });
    const heard: unknown[] = [];
    w.manager.instrument({
      beginServerRequest: ({ method }) => ({
        ended: (end) => {
          heard.push([method, end]);
        },
      }),
    });
    await expect(w.server('a').ask('elicitation/create')).rejects.toBe(refusal);
    expect(await w.server('a').ask('roots/list')).toEqual({ roots: [] });
    expect(heard).toEqual([
      ['elicitation/create', { ok: false, error: refusal, elapsedMs: 0 }],
      ['roots/list', { ok: true, result: [], elapsedMs: 0 }],
    ]);
  });

  it('an observer that runs no handler, or runs it twice, changes nothing: it runs once', async () => {
    const w = world();
    let runs = 0;
    const roots = async () => {
      runs += 1;
      return [];
    };
    await w.add('a', { handlers: { roots } });
    w.manager.instrument({ beginServerRequest: () => ({ within: () => undefined as never }) });
    w.manager.instrument({
      beginServerRequest: () => ({
        within: (run) => {
          run();
          return run();
        },
      }),
    });
    w.manager.instrument({
      beginServerRequest: () => ({
        within: () => {
          throw new Error('a bug of theirs');
        },
      }),
    });
    expect([await w.server('a').ask('roots/list'), runs]).toEqual([{ roots: [] }, 1]);
  });
});
