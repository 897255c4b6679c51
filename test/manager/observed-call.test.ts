import { firstValueFrom, take, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { ServerLogMessage, ToolCallUpdate } from '../../src/index.ts';
import { outcomeOf, world, type World } from './support.ts';

/** A tool that tells of its progress at 100, 200 and 300 ms and is done at 400. */
function slowTool(w: World, signals: AbortSignal[] = []): void {
  w.server('a').onCall = (_name, _args, signal, onProgress) => {
    signals.push(signal);
    for (const at of [100, 200, 300]) w.clock.setTimeout(() => onProgress({ progress: at, total: 400 }), at);
    return new Promise((resolve) => {
      w.clock.setTimeout(() => resolve({ content: [{ type: 'text', text: 'done' }] }), 400);
    });
  };
}

describe('a tool call as an observable', () => {
  it('tells of its progress, then of its result, and is complete', async () => {
    const w = world();
    const session = await w.add('a');
    slowTool(w);
    const seen: number[] = [];
    const updates = outcomeOf(
      firstValueFrom(
        session.callTool$('echo', {}, { onProgress: ({ progress }) => seen.push(progress) }).pipe(toArray()),
      ),
    );
    await w.clock.advance(400);
    expect(updates.value()).toEqual([
      { type: 'progress', progress: 100, total: 400 },
      { type: 'progress', progress: 200, total: 400 },
      { type: 'progress', progress: 300, total: 400 },
      { type: 'result', result: { content: [{ type: 'text', text: 'done' }] } },
    ] satisfies ToolCallUpdate[]);
    expect(seen).toEqual([100, 200, 300]);
  });

  it('is one call for each subscription, and none before', async () => {
    const w = world();
    const session = await w.add('a');
    const called: unknown[] = [];
    w.server('a').onCall = (name, args) => {
      called.push([name, args]);
      return { content: [] };
    };
    const call$ = session.callTool$('echo', { n: 1 });
    await w.clock.advance(0);
    expect(called).toEqual([]);
    await Promise.all([firstValueFrom(call$), firstValueFrom(call$)]);
    expect(called).toEqual([
      ['echo', { n: 1 }],
      ['echo', { n: 1 }],
    ]);
  });

  it('is aborted by unsubscribing, and by its signal', async () => {
    const w = world();
    const session = await w.add('a');
    const signals: AbortSignal[] = [];
    slowTool(w, signals);
    const two = outcomeOf(firstValueFrom(session.callTool$('echo').pipe(take(2), toArray())));
    const caller = new AbortController();
    const aborted = outcomeOf(firstValueFrom(session.callTool$('echo', {}, { signal: caller.signal }).pipe(toArray())));
    await w.clock.advance(200);
    expect(two.value()).toHaveLength(2);
    caller.abort();
    await w.clock.advance(0);
    expect(aborted.error()).toMatchObject({ code: 'CALL_ABORTED', name: 'AbortError' });
    expect(signals.map((signal) => signal.aborted)).toEqual([true, true]);
    expect(session.info.activeRequests).toBe(0);
  });

  it('fails as the call does', async () => {
    const w = world();
    const session = await w.add('a');
    const call = outcomeOf(firstValueFrom(session.callTool$('echo', {}, { timeoutMs: -1 })));
    await w.clock.advance(0);
    expect(call.error()).toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('the log of a server', () => {
  it('is what it sends as log messages, over its connections, without what is none', async () => {
    const w = world();
    const session = await w.add('a');
    const log: ServerLogMessage[] = [];
    let isComplete = false;
    session.log$.subscribe({ next: (message) => log.push(message), complete: () => (isComplete = true) });
    const say = (params: unknown): void => w.server('a').notify('notifications/message', params);
    say({ level: 'info', data: 'first' });
    say({ level: 'loud', data: 'no such level' });
    say('nonsense');
    w.server('a').notify('notifications/progress', { level: 'info' });
    w.server('a').exit();
    await w.clock.advance(5_000);
    say({ level: 'alert', logger: 'db', data: { rows: 3 } });
    expect(log).toEqual([
      { level: 'info', logger: undefined, data: 'first' },
      { level: 'alert', logger: 'db', data: { rows: 3 } },
    ]);
    const removed = w.manager.removeServer('a');
    await w.clock.advance(10_000);
    await removed;
    expect(isComplete).toBe(true);
  });

  it('has the levels of the protocol only', async () => {
    const w = world();
    const session = await w.add('a');
    await expect(session.setLogLevel('loud' as never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      field: 'level',
    });
    expect(w.server('a').received.filter(({ method }) => method === 'logging/setLevel')).toEqual([]);
  });
});
