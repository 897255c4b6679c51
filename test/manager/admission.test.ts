import { describe, expect, it } from 'vitest';
import { outcomeOf, simulated, world } from './support.ts';

describe('a call while the server is being connected again', () => {
  it('waits for it, and is sent as soon as it takes calls', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').exit();
    await w.clock.advance(100);
    const call = outcomeOf(session.callTool('echo', { n: 1 }), w.clock);
    await w.clock.advance(2_000);
    expect(call.value()).toEqual({ content: [{ type: 'text', text: '{"n":1}' }] });
    expect(call.atMs).toBe(250);
    expect(w.server('a').executed).toEqual([{ tool: 'echo', args: { n: 1 }, generation: 2 }]);
  });

  it('waits up to waitForReadyMs, 5 s unless told otherwise, and was not sent then', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a', { answersInitialize: false }).exit();
    await w.clock.advance(1_000);
    const standard = outcomeOf(session.callTool('echo'), w.clock);
    const patient = outcomeOf(session.callTool('echo', {}, { waitForReadyMs: 9_000 }), w.clock);
    const hasty = outcomeOf(session.callTool('echo', {}, { waitForReadyMs: 0 }), w.clock);
    await w.clock.advance(20_000);
    expect([hasty.atMs, standard.atMs, patient.atMs]).toEqual([1_000, 6_000, 10_000]);
    expect(standard.error()).toMatchObject({
      code: 'NOT_READY',
      outcome: 'not-sent',
      message:
        'Server "a" is not connected but connecting.opening (the process exited with code 1), and was not within 5000 ms; the call was not sent.',
    });
  });

  it('does not wait when the next attempt is later than that: it learns at once when that is', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a', { refuse: { kind: 'unreachable', code: 'ECONNREFUSED', message: 'refused' } }).exit();
    await w.clock.advance(30_000);
    const { nextAttemptAt } = session.info;
    const inMs = (nextAttemptAt ?? 0) - w.clock.wall();
    expect(inMs).toBeGreaterThan(5_000);
    const call = outcomeOf(session.callTool('echo'));
    await w.clock.settle();
    expect(call.error()).toMatchObject({ code: 'NOT_READY', retryAfterMs: inMs });
  });

  it('is told as soon as waiting has become pointless', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a', { connectMs: 500, refuse: { kind: 'auth', code: 'http:401', message: 'wants a token' } }).exit();
    await w.clock.advance(300);
    const call = outcomeOf(session.callTool('echo'), w.clock);
    await w.clock.advance(10_000);
    expect(call.error()).toMatchObject({ code: 'AUTH_REQUIRED', outcome: 'not-sent' });
    expect(call.atMs).toBe(750);
  });

  it('ends with its own time and its own signal, unsent', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a', { answersInitialize: false }).exit();
    await w.clock.advance(1_000);
    const abort = new AbortController();
    const timed = outcomeOf(session.callTool('echo', {}, { timeoutMs: 2_000 }), w.clock);
    const aborted = outcomeOf(session.callTool('echo', {}, { signal: abort.signal }), w.clock);
    await w.clock.advance(1_000);
    abort.abort('enough');
    await w.clock.advance(5_000);
    expect([timed.atMs, aborted.atMs]).toEqual([3_000, 2_000]);
    expect(timed.error()).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'not-sent', timeoutMs: 2_000 });
    expect(aborted.error()).toMatchObject({ code: 'CALL_ABORTED', outcome: 'not-sent', cause: 'enough' });
  });

  it('is refused when the server is removed meanwhile', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a', { answersInitialize: false }).exit();
    await w.clock.advance(1_000);
    const call = outcomeOf(session.callTool('echo'));
    await w.clock.settle();
    const removed = outcomeOf(w.manager.removeServer('a'));
    await w.clock.advance(100);
    expect(removed.value()).toBe(true);
    expect(call.error()).toMatchObject({ code: 'CLOSED', outcome: 'not-sent' });
  });
});

describe('more calls than a server has at a time', () => {
  it('wait for their turn, first come first served', async () => {
    const w = world({ behaviour: { answerMs: 10 } });
    const adding = outcomeOf(w.manager.addServer('a', simulated, { maxInFlight: 2, maxQueue: 3 }));
    await w.clock.advance(100);
    const session = adding.value();
    const calls = Array.from({ length: 5 }, (_, n) => outcomeOf(session.callTool('echo', { n }), w.clock));
    await w.clock.settle();
    expect([session.info.activeRequests, w.server('a').executed.length]).toEqual([2, 2]);
    await w.clock.advance(100);
    expect(calls.map(({ atMs }) => atMs)).toEqual([110, 110, 120, 120, 130]);
    expect(w.server('a').executed.map(({ args }) => args)).toEqual([0, 1, 2, 3, 4].map((n) => ({ n })));
  });

  it('are refused at once when too many wait, and the others are undisturbed', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { maxInFlight: 1, maxQueue: 1 });
    const [sent, waiting, refused] = [0, 1, 2].map(() => outcomeOf(session.callTool('echo'), w.clock));
    await w.clock.settle();
    expect([sent?.state, waiting?.state]).toEqual(['pending', 'pending']);
    expect(refused?.error()).toMatchObject({
      code: 'QUEUE_FULL',
      outcome: 'not-sent',
      retryable: true,
      message:
        'Server "a" has more calls than it can take: 1 calls are in flight and 1 wait for their turn. The call of tool "echo" was not sent. Call less at a time, or raise maxInFlight or maxQueue.',
    });
  });

  it('wait 30 s at most, and never longer than their own time', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { maxInFlight: 1 });
    const sent = outcomeOf(session.callTool('echo'), w.clock);
    const waiting = outcomeOf(session.callTool('echo'), w.clock);
    const timed = outcomeOf(session.callTool('echo', {}, { timeoutMs: 5_000 }), w.clock);
    await w.clock.advance(61_000);
    expect([timed.atMs, waiting.atMs, sent.atMs]).toEqual([5_000, 30_000, 60_000]);
    expect(waiting.error()).toMatchObject({ code: 'QUEUE_FULL', outcome: 'not-sent' });
    expect(timed.error()).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'not-sent' });
    expect(w.server('a').executed).toHaveLength(1);
  });

  it('are told when the server takes none any more, before their turn comes', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { maxInFlight: 1 });
    void outcomeOf(session.callTool('echo'));
    const waiting = outcomeOf(session.callTool('echo'), w.clock);
    await w.clock.advance(1_000);
    const removed = outcomeOf(w.manager.removeServer('a', { drainMs: 10_000 }), w.clock);
    await w.clock.advance(20_000);
    expect(waiting.error()).toMatchObject({ code: 'CLOSED', outcome: 'not-sent' });
    expect([waiting.atMs, removed.atMs]).toEqual([1_000, 11_000]);
  });

  it('give their turn back when they are aborted, and a check waits for none', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', { maxInFlight: 1 });
    const abort = new AbortController();
    const sent = outcomeOf(session.callTool('echo', { n: 1 }, { signal: abort.signal }));
    const waiting = outcomeOf(session.callTool('echo', { n: 2 }));
    const ping = outcomeOf(session.ping());
    await w.clock.settle();
    expect(ping.value()).toEqual({ ms: 0 });
    abort.abort();
    await w.clock.settle();
    expect([sent.state, waiting.state]).toEqual(['rejected', 'pending']);
    expect(w.server('a').executed.map(({ args }) => args)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('of one server cost another nothing', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const slow = await w.add('slow', { maxInFlight: 64 });
    const quick = await w.add('quick');
    w.server('quick').answersCalls = true;
    const calls = Array.from({ length: 640 }, () =>
      outcomeOf(slow.callTool('echo', {}, { timeoutMs: 1_000 }), w.clock),
    );
    const other = outcomeOf(quick.callTool('echo'), w.clock);
    await w.clock.settle();
    expect(other.atMs).toBe(0);
    expect(calls.filter(({ state }) => state === 'rejected')).toHaveLength(640 - 64 - 256);
    await w.clock.advance(1_000);
    expect(calls.every(({ state }) => state === 'rejected')).toBe(true);
    expect(w.server('slow').executed).toHaveLength(64);
    expect(quick.info).toMatchObject({ successfulRequests: 1, failedRequests: 0, state: 'healthy' });
  });
});

describe('the time of a call', () => {
  it('stands still while the server waits for a person', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    let answer: (value: Record<string, unknown>) => void = () => undefined;
    const session = await w.add('a', {
      handlers: {
        elicit: () =>
          new Promise((resolve) => {
            answer = resolve;
          }),
      },
    });
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 10_000, maxTimeoutMs: 10_000 }), w.clock);
    await w.clock.advance(4_000);
    const asked = outcomeOf(w.server('a').ask('elicitation/create'));
    await w.clock.advance(3_600_000);
    expect(call.state).toBe('pending');
    answer({ action: 'accept' });
    await w.clock.settle();
    expect(asked.value()).toEqual({ action: 'accept' });
    await w.clock.advance(10_000);
    expect(call.error()).toMatchObject({ code: 'CALL_TIMEOUT', timeoutMs: 10_000 });
    expect(call.atMs).toBe(3_610_000);
  });

  it('runs again when the connection ends over the question', async () => {
    const w = world({ behaviour: { answersCalls: false } });
    const session = await w.add('a', {
      trustAnnotations: true,
      tools: { echo: { retry: 'safe' } },
      handlers: { elicit: () => new Promise(() => undefined) },
    });
    const call = outcomeOf(session.callTool('echo', {}, { timeoutMs: 10_000 }), w.clock);
    await w.clock.advance(1_000);
    void w.server('a').ask('elicitation/create');
    await w.clock.advance(5_000);
    w.server('a').exit();
    await w.clock.advance(60_000);
    expect(call.error()).toMatchObject({ code: 'CALL_TIMEOUT', outcome: 'unknown' });
    expect(call.atMs).toBe(15_000);
    expect(w.server('a').executed).toHaveLength(2);
  });

  it('is begun anew by progress, but for maxTimeoutMs', async () => {
    const w = world();
    const session = await w.add('a');
    w.server('a').onCall = (_name, _args, _signal, onProgress) =>
      new Promise(() => {
        const step = (progress: number): void => {
          onProgress({ progress });
          w.clock.setTimeout(() => {
            if (progress < 20) step(progress + 1);
          }, 900);
        };
        step(0);
      });
    const steps: number[] = [];
    const call = outcomeOf(
      session.callTool(
        'echo',
        {},
        {
          timeoutMs: 1_000,
          maxTimeoutMs: 5_000,
          onProgress: ({ progress }) => steps.push(progress),
        },
      ),
      w.clock,
    );
    await w.clock.advance(30_000);
    expect(call.error()).toMatchObject({ code: 'CALL_TIMEOUT', timeoutMs: 5_000 });
    expect([call.atMs, steps]).toEqual([5_000, [0, 1, 2, 3, 4, 5]]);
  });
});
