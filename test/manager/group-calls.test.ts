import { describe, expect, it } from 'vitest';
import { failureOf, outcomeOf } from './support.ts';
import { grouped } from './group-world.ts';

const unreachable = { kind: 'unreachable', code: 'x', message: 'nobody there' } as const;

describe('a call to a group', () => {
  it('is served by the active member, and says so', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    const served: unknown[] = [];
    const options = { onServed: (each: unknown) => served.push(each) };
    expect(await group.callTool('echo', { n: 1 }, options)).toEqual({ content: [{ type: 'text', text: '{"n":1}' }] });
    w.server('a').kill();
    await group.callTool('echo', {}, options);
    await w.clock.advance(250);
    await group.callTool('echo', {}, options);
    expect([executed('a', 'b'), served]).toEqual([
      [1, 2],
      [
        { serverId: 'a', generation: 1, attempts: 1 },
        { serverId: 'b', generation: 1, attempts: 1 },
        { serverId: 'b', generation: 1, attempts: 1 },
      ],
    ]);
  });

  it('made in the same turn as the crash is served by the backup', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    w.server('a').exit();
    const call = outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    call.value();
    expect(executed('a', 'b')).toEqual([0, 1]);
  });

  it('that was certainly not sent moves on to the next member, once to each', async () => {
    const { w, group, executed } = await grouped(['a', 'b', 'c']);
    const served: unknown[] = [];
    w.server('a').congest();
    w.server('b').congest();
    const call = outcomeOf(group.callTool('echo', { n: 1 }, { onServed: (each) => served.push(each) }));
    await w.clock.settle();
    expect(call.state).toBe('pending');
    w.server('a').kill();
    await w.clock.settle();
    expect([call.state, executed('a', 'b', 'c')]).toEqual(['pending', [0, 0, 0]]);
    w.server('b').kill();
    await w.clock.settle();
    call.value();
    expect([executed('a', 'b', 'c'), served]).toEqual([[0, 0, 1], [{ serverId: 'c', generation: 1, attempts: 3 }]]);
  });

  it('that no member could be handed rejects with the last refusal as its cause', async () => {
    const { w, group, executed } = await grouped(['a', 'b'], { behaviour: { refuse: null } });
    for (const id of ['a', 'b']) w.server(id).congest();
    const call = outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    w.server('a').kill();
    await w.clock.settle();
    w.server('b').kill();
    await w.clock.settle();
    expect(call.error()).toMatchObject({
      name: 'GroupUnavailableError',
      code: 'GROUP_UNAVAILABLE',
      outcome: 'not-sent',
      retryable: true,
      retryAfterMs: 250,
      groupId: 'team',
      cause: { code: 'NOT_READY', serverId: 'b' },
      message:
        'No member of group "team" takes calls ("a" is disconnected, "b" is disconnected); the call of tool "echo" was not sent.',
    });
    await w.clock.advance(1_000);
    expect(executed('a', 'b')).toEqual([0, 0]);
  });

  it('is not tried again on a member that came back while it was tried on another', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    for (const id of ['a', 'b']) w.server(id).congest();
    const call = outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    w.server('a').kill();
    w.server('a').decongest();
    await w.clock.advance(500);
    expect(w.manager.session('a').state).toBe('healthy');
    w.server('b').kill();
    await w.clock.settle();
    expect([call.error().code, executed('a', 'b')]).toEqual(['GROUP_UNAVAILABLE', [0, 0]]);
  });

  it.each([
    ['its server dies under it', 'OUTCOME_UNKNOWN', 'unknown'],
    ['it gets no answer in time', 'CALL_TIMEOUT', 'unknown'],
    ['its caller gives it up', 'CALL_ABORTED', 'unknown'],
    ['the server answers with an error', 'RPC', 'executed'],
    ['the server answers that it knows no such method', 'RPC', 'rejected'],
    ['the answer is no result', 'PROTOCOL', 'executed'],
  ])('moves nowhere when %s', async (what, code, outcome) => {
    const { w, group, executed } = await grouped(['a', 'b']);
    const abort = new AbortController();
    const answers = new Map<string, () => Record<string, unknown>>([
      ['the answer is no result', () => ({ contents: 'none' })],
      [
        'the server answers with an error',
        () => {
          throw Object.assign(new Error('no'), { code: -32_603 });
        },
      ],
      [
        'the server answers that it knows no such method',
        () => {
          throw Object.assign(new Error('no'), { code: -32_601 });
        },
      ],
    ]);
    const answer = answers.get(what);
    w.server('a', answer === undefined ? { answersCalls: false } : { onCall: answer });
    const call = outcomeOf(group.callTool('echo', {}, { timeoutMs: 1_000, signal: abort.signal }));
    await w.clock.settle();
    if (what.includes('dies')) w.server('a').kill();
    if (what.includes('gives it up')) abort.abort();
    await w.clock.advance(5_000);
    expect(call.error()).toMatchObject({ code, outcome, serverId: 'a' });
    expect(executed('a', 'b')).toEqual([1, 0]);
  });

  it('that timed out or was given up before it was sent moves nowhere either', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    const abort = new AbortController();
    w.server('a').congest();
    const late = outcomeOf(group.callTool('echo', {}, { timeoutMs: 1_000 }));
    const given = outcomeOf(group.callTool('echo', {}, { signal: abort.signal }));
    const aborted = outcomeOf(group.callTool('echo', {}, { signal: AbortSignal.abort('no') }));
    await w.clock.settle();
    abort.abort();
    await w.clock.advance(1_000);
    expect(late.error()).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'not-sent' });
    expect(given.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'not-sent' });
    expect(aborted.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'not-sent', cause: 'no' });
    w.server('a').decongest();
    await w.clock.advance(1_000);
    expect(executed('a', 'b')).toEqual([0, 0]);
  });

  it('has one deadline over all members', async () => {
    const { w, group, executed } = await grouped(['a', 'b'], { options: { b: { callTimeoutMs: 5_000 } } });
    w.server('a').congest();
    w.server('b').answersCalls = false;
    const timed = outcomeOf(group.callTool('echo', {}, { timeoutMs: 1_000 }), w.clock);
    await w.clock.advance(600);
    w.server('a').kill();
    await w.clock.advance(399);
    expect([timed.state, executed('b')]).toEqual(['pending', [1]]);
    await w.clock.advance(1);
    expect([timed.error().code, timed.atMs]).toEqual(['CALL_TIMEOUT', 1_000]);
  });

  it('has its time begun anew by each progress wherever it runs, within one deadline over all members', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').congest();
    w.server('b').onCall = (_name, _args, signal, onProgress) =>
      new Promise(() => {
        const next = (): void => {
          if (signal.aborted) return;
          onProgress({ progress: 1 });
          w.clock.setTimeout(next, 300);
        };
        next();
      });
    const call = outcomeOf(group.callTool('echo', {}, { timeoutMs: 1_000, maxTimeoutMs: 2_000 }), w.clock);
    await w.clock.advance(900);
    w.server('a').kill();
    await w.clock.advance(1_099);
    expect(call.state).toBe('pending');
    await w.clock.advance(1);
    expect([call.error().code, call.atMs]).toEqual(['CALL_TIMEOUT', 2_000]);
    await w.clock.advance(300);
  });

  it('is not sent to another member when its time is up already', async () => {
    const { w, group } = await grouped(['a', 'b'], { options: { a: { lazy: true } } });
    w.server('a').connectMs = 20_000;
    const before = w.server('b').requests;
    const call = outcomeOf(group.request('x/y', {}, { timeoutMs: 1_000 }), w.clock);
    await w.clock.advance(2_000);
    expect([call.state, call.atMs, w.server('b').requests - before]).toEqual(['rejected', 1_000, 0]);
  });

  it('has its progress told, its extended time included, wherever it is served', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').congest();
    w.server('b').onCall = (_name, _args, _signal, onProgress) =>
      new Promise((resolve) => {
        let n = 0;
        const next = (): void => {
          n += 1;
          onProgress({ progress: n });
          if (n === 3) resolve({ content: [] });
          else w.clock.setTimeout(next, 900);
        };
        w.clock.setTimeout(next, 900);
      });
    const progress: number[] = [];
    const call = outcomeOf(
      group.callTool('echo', {}, { timeoutMs: 2_000, onProgress: (each) => progress.push(each.progress) }),
    );
    await w.clock.advance(1_000);
    w.server('a').kill();
    await w.clock.advance(2_700);
    call.value();
    expect(progress).toEqual([1, 2, 3]);
  });

  it('settles as it is whatever its listener throws', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').congest();
    const call = outcomeOf(
      group.callTool(
        'echo',
        {},
        {
          onServed: () => {
            throw new Error('mine');
          },
        },
      ),
    );
    await w.clock.settle();
    w.server('a').kill();
    await w.clock.settle();
    expect(call.state).toBe('resolved');
  });

  it('in flight stays where it is when the group moves', async () => {
    const { w, group, executed } = await grouped(['a', 'b']);
    w.server('a').answerMs = 1_000;
    const call = outcomeOf(group.callTool('echo'));
    await w.clock.settle();
    group.failOver();
    await w.clock.advance(1_000);
    call.value();
    expect([executed('a', 'b'), group.active]).toEqual([[1, 0], 'b']);
  });
});

describe('the last resort', () => {
  it('is an unhealthy member that is connected, the least bad first, once each', async () => {
    const { w, group, executed } = await grouped(['a', 'b', 'c']);
    w.server('c', { refuse: unreachable }).kill();
    for (const id of ['a', 'b']) w.server(id, { answersPing: false, answersCalls: false });
    for (let n = 0; n < 4; n += 1) outcomeOf(w.manager.session('a').callTool('echo', {}, { timeoutMs: 100 }));
    await w.clock.advance(40_000);
    expect([group.info.state, group.members.map(({ state }) => state)]).toEqual([
      'unavailable',
      ['unhealthy', 'unhealthy', 'disconnected'],
    ]);
    for (const id of ['a', 'b']) w.server(id).answersCalls = true;
    const served: unknown[] = [];
    const options = { onServed: (each: unknown) => served.push(each) };
    await group.callTool('echo', {}, options);
    expect([served, executed('a', 'b', 'c')]).toEqual([[{ serverId: 'b', generation: 1, attempts: 1 }], [4, 1, 0]]);
    for (const id of ['a', 'b']) w.server(id).congest();
    const [first, second] = [outcomeOf(group.callTool('echo', {}, options)), outcomeOf(group.callTool('echo'))];
    await w.clock.settle();
    w.server('b').breakLink();
    w.server('a').decongest();
    await w.clock.settle();
    expect([first.state, second.state, served.at(-1)]).toEqual([
      'resolved',
      'resolved',
      { serverId: 'a', generation: 1, attempts: 2 },
    ]);
    expect(executed('a', 'b', 'c')).toEqual([6, 1, 0]);
  });

  it('does not make the group available, nor an unhealthy member healthy', async () => {
    const { w, group } = await grouped(['a']);
    w.server('a').answersPing = false;
    await w.clock.runUntil(() => group.info.state === 'unavailable', { maxMs: 60_000 });
    await group.callTool('echo');
    expect([group.info.state, w.manager.session('a').state]).toEqual(['unavailable', 'unhealthy']);
  });
});

describe('a group of which no member is connected', () => {
  it('rejects every call at once, with the time until the first member tries again', async () => {
    const { w, group } = await grouped(['a', 'b'], { options: { b: { reconnect: { delayMs: 200 } } } });
    for (const id of ['a', 'b']) w.server(id, { refuse: unreachable }).kill();
    await w.clock.advance(20);
    const call = outcomeOf(group.callTool('echo'), w.clock);
    await w.clock.settle();
    expect(call.error()).toMatchObject({ name: 'GroupUnavailableError', retryAfterMs: 80 });
    expect(call.error().cause).toBeUndefined();
    expect(call.atMs).toBe(20);
    expect(await failureOf(() => group.listTools())).toMatchObject({ code: 'GROUP_UNAVAILABLE' });
  });

  it('knows no time to wait for when no member will try again', async () => {
    const { w, group } = await grouped(['a', 'b'], { config: { autoReconnect: false } });
    for (const id of ['a', 'b']) w.server(id).kill();
    await w.clock.settle();
    expect(await failureOf(() => group.callTool('echo'))).toMatchObject({
      code: 'GROUP_UNAVAILABLE',
      retryAfterMs: undefined,
    });
  });
});

describe('the other verbs', () => {
  it('readResource, getPrompt, complete and request go to the active member and move on alike', async () => {
    const { w, group } = await grouped(['a', 'b']);
    const answer = (method: string): Record<string, unknown> | undefined => {
      if (method === 'resources/read') return { contents: [{ uri: 'x:1', text: 'one' }] };
      if (method === 'prompts/get') return { messages: [] };
      return method === 'x/y' ? { z: 1 } : undefined;
    };
    w.server('a').onRequest = answer;
    w.server('b').onRequest = answer;
    const all = async (): Promise<unknown> => [
      await group.readResource('x:1'),
      await group.getPrompt('p', { k: 'v' }),
      await group.complete({ ref: {} }),
      await group.request('x/y', { n: 1 }),
    ];
    const expected = [
      { contents: [{ uri: 'x:1', text: 'one' }] },
      { messages: [] },
      { completion: { values: [] } },
      { z: 1 },
    ];
    const methods = ['resources/read', 'prompts/get', 'completion/complete', 'x/y'];
    const receivedBy = (id: string): readonly string[] =>
      w
        .server(id)
        .received.map(({ method }) => method)
        .filter((method) => methods.includes(method));
    expect(await all()).toEqual(expected);
    expect([receivedBy('a'), receivedBy('b')]).toEqual([methods, []]);
    w.server('a').congest();
    const calls = [
      outcomeOf(group.readResource('x:1')),
      outcomeOf(group.getPrompt('p')),
      outcomeOf(group.complete({})),
      outcomeOf(group.request('x/y')),
    ];
    await w.clock.settle();
    w.server('a').kill();
    await w.clock.settle();
    expect(calls.map((call) => call.state)).toEqual(['resolved', 'resolved', 'resolved', 'resolved']);
    expect([receivedBy('a'), receivedBy('b')]).toEqual([methods, methods]);
  });

  it('a list of several pages is read from one member, whatever happens to the group meanwhile', async () => {
    const tools = ['one', 'two', 'three'].map((name) => ({ name, inputSchema: { type: 'object' } }));
    const { w, group } = await grouped(['a', 'b'], { behaviour: { tools, pageSize: 1 } });
    w.server('a').answerMs = 100;
    const served: string[] = [];
    const list = outcomeOf(group.listTools({ onServed: ({ serverId }) => served.push(serverId) }));
    await w.clock.advance(150);
    group.failOver();
    await w.clock.advance(150);
    expect(list.value().map(({ name }) => name)).toEqual(['one', 'two', 'three']);
    expect(served).toEqual(['a', 'a', 'a']);
  });

  it('a list whose member goes away between two pages rejects: no other has the rest of it', async () => {
    const tools = ['one', 'two', 'three'].map((name) => ({ name, inputSchema: { type: 'object' } }));
    const { w, group } = await grouped(['a', 'b'], { behaviour: { tools, pageSize: 1 } });
    const before = w.server('b').received.length;
    w.server('a').answerMs = 100;
    const list = outcomeOf(group.listTools({ onServed: () => w.server('a').kill() }));
    await w.clock.advance(200);
    expect([list.error().code, w.server('b').received.length]).toEqual(['GROUP_UNAVAILABLE', before]);
  });

  it('the first page of a list moves on like any other call', async () => {
    const { w, group } = await grouped(['a', 'b']);
    w.server('a').congest();
    const list = outcomeOf(group.listTools());
    await w.clock.settle();
    w.server('a').kill();
    await w.clock.settle();
    expect(list.value().map(({ name }) => name)).toEqual(['echo']);
  });
});
