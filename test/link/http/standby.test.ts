import { afterEach, describe, expect, it, vi } from 'vitest';
import { ReconnectMeter, retryDelayMs } from '../../../src/link/http/reconnect-meter.ts';
import { eventually } from '../../support/eventually.ts';
import { answerStatus, drained, eventOf, openEvents } from './lean-server.ts';
import type { Asked } from './lean-server.ts';
import { failureOf } from '../sdk/owner.ts';
import { client, expectNothingLeft, serve } from './rig.ts';

const NOTE = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x' } };

describe('the standby stream', () => {
  expectNothingLeft();
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is asked for once the server has accepted that the session is open, and delivers what comes', async () => {
    const server = await serve({ get: (asked) => openEvents(asked).write(eventOf(NOTE)) });
    const rig = await client(server);
    await eventually(() => rig.messages.length === 1, { what: 'the note is there' });
    expect(rig.messages).toEqual([NOTE]);
    expect(server.received.map(({ verb, message }) => message.method ?? verb)).toEqual([
      'initialize',
      'notifications/initialized',
      'GET',
    ]);
  });

  it.each([400, 401, 403, 404, 405, 406, 501])(
    'that is answered with %i at first is not offered, and nothing is wrong',
    async (status) => {
      const server = await serve({ get: answerStatus(status) });
      const rig = await client(server);
      await eventually(() => server.gets.length === 1, { what: 'it is asked for' });
      await rig.request('ping');
      await rig.request('tools/list');
      expect([rig.faultCodes, server.gets.length, rig.transport.isEnding]).toEqual([[], 1, false]);
    },
  );

  it('that is a page instead of events is not offered either', async () => {
    const server = await serve({ get: answerStatus(200, { 'content-type': 'text/html' }, '<html>') });
    const rig = await client(server);
    await eventually(() => server.gets.length === 1, { what: 'it is asked for' });
    await rig.request('tools/list');
    expect([rig.faultCodes, server.gets.length]).toEqual([[], 1]);
  });

  it('that ends in order is opened again from the last event after the wait that the server asked for', async () => {
    const times: number[] = [];
    const server = await serve({
      get: (asked) => {
        times.push(performance.now());
        if (times.length === 1) openEvents(asked).end(`retry: 300\nid: e-1\ndata: ${JSON.stringify(NOTE)}\n\n`);
        else openEvents(asked);
      },
    });
    const rig = await client(server);
    await eventually(() => times.length === 2, { what: 'it is opened again' });
    expect(server.gets.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'e-1']);
    const [first = 0, second = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(290);
    expect(rig.faultCodes).toEqual([]);
  });

  it('that breaks is reported, so that a probe may tell, and opened again', async () => {
    const server = await serve({
      get: (asked) => {
        const response = openEvents(asked);
        if (server.gets.length === 1) response.write('retry: 10\n\n', () => asked.request.socket.resetAndDestroy());
      },
    });
    const rig = await client(server);
    await eventually(() => server.gets.length === 2, { what: 'it is opened again' });
    expect(rig.faults).toMatchObject([{ kind: 'transport' }]);
  });

  it('whose server asks for retry: 0 and ends it each time is opened no more than five times at once', async () => {
    const server = await serve({ get: (asked) => openEvents(asked).end('retry: 0\n\n') });
    const started = performance.now();
    const rig = await client(server);
    await eventually(() => server.gets.length >= 6, { what: 'the burst is used up' });
    for (let call = 0; call < 200; call += 1) await rig.request('tools/list');
    const elapsedSeconds = (performance.now() - started) / 1000;
    expect(server.gets.length).toBeLessThanOrEqual(5 + Math.ceil(elapsedSeconds) + 1);
  });

  it('that will not be had again waits for the proof that the session stands', async () => {
    let refuses = true;
    const server = await serve({
      get: (asked) => {
        if (server.gets.length === 1) openEvents(asked).end('retry: 0\n\n');
        else if (refuses) answerStatus(404)(asked);
        else openEvents(asked);
      },
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const rig = await client(server);
    const reported = (): boolean => {
      vi.advanceTimersByTime(1);
      return rig.faultCodes.length === 1;
    };
    await eventually(reported, { what: 'the refusal is reported' });
    expect(rig.faultCodes).toEqual(['session-lost http:404']);
    expect([server.gets.length, rig.transport.isEnding]).toEqual([2, false]);
    vi.advanceTimersByTime(600_000);
    // Enough turns for a request to get there, had there been one.
    for (let turn = 0; turn < 20; turn += 1) await rig.request('tools/list');
    expect(server.gets.length).toBe(2);
    refuses = false;
    await rig.request('ping');
    vi.advanceTimersByTime(1_000);
    await eventually(() => server.gets.length === 3, { what: 'it is opened again' });
  });

  it('that fails again and again is reported once until it is open again, and backs off', async () => {
    const server = await serve({
      get: (asked) => (server.gets.length === 1 ? openEvents(asked).end('retry: 0\n\n') : answerStatus(503)(asked)),
    });
    const rig = await client(server);
    await eventually(() => server.gets.length === 3, { what: 'it is tried again' });
    expect(rig.faultCodes).toEqual(['transport http:503']);
  });

  it('with an event of half a gigabyte is cut off and reported', async () => {
    let sent = 0;
    const server = await serve({
      get: async (asked: Asked) => {
        const response = openEvents(asked);
        if (server.gets.length > 1) return;
        response.write('data: ');
        const piece = Buffer.alloc(256 * 1024, 'x');
        while (!response.destroyed && sent < 2048) {
          sent += 1;
          if (!response.write(piece)) await drained(response);
        }
      },
    });
    const rig = await client(server);
    await eventually(() => rig.faultCodes.length === 1, { what: 'it is reported' });
    expect(rig.faultCodes).toEqual(['protocol message-too-large']);
    expect(sent).toBeLessThan(1024);
    expect(rig.transport.isEnding).toBe(false);
  });

  it('that brings no JSON-RPC is reported event by event and goes on', async () => {
    const server = await serve({ get: (asked) => openEvents(asked).write(`data: nonsense\n\n${eventOf(NOTE)}`) });
    const rig = await client(server);
    await eventually(() => rig.messages.length === 1, { what: 'the note is there' });
    expect(rig.faultCodes).toEqual(['protocol bad-message']);
  });
});

describe('the meter of reconnections', () => {
  it('lets five through at once, then one each second, and pays its debts by waiting', () => {
    let nowMs = 0;
    const meter = new ReconnectMeter(() => nowMs);
    expect(Array.from({ length: 8 }, () => meter.delayFor(0))).toEqual([0, 0, 0, 0, 0, 1000, 2000, 3000]);
    nowMs = 3000;
    expect([meter.delayFor(0), meter.delayFor(5000)]).toEqual([1000, 5000]);
    nowMs = 60_000;
    expect(Array.from({ length: 6 }, () => meter.delayFor(0))).toEqual([0, 0, 0, 0, 0, 1000]);
  });

  it('believes a wait between nothing and 30 s, and takes 1 s where the server asks for none', () => {
    expect([retryDelayMs(null), retryDelayMs(0), retryDelayMs(250), retryDelayMs(99_999_999_999)]).toEqual([
      1000, 0, 250, 30_000,
    ]);
  });
});

describe('a standby stream that may have gone without a word', () => {
  expectNothingLeft();

  it('is opened anew, from its last event on, when a ping got no answer and a later one does', async () => {
    const server = await serve({
      get: (asked) => openEvents(asked).write(eventOf(NOTE, 'e-7')),
      post: { ping: () => undefined },
    });
    const rig = await client(server);
    await eventually(() => rig.messages.length === 1, { what: 'the note is there' });
    const waiting: { drop?: () => void } = {};
    const ping = failureOf(rig.request('ping', undefined, { whenSettled: (drop) => (waiting.drop = drop) }));
    await server.posted('ping');
    waiting.drop?.();
    expect(await ping).toEqual({ kind: 'aborted', sent: true });
    expect(server.gets).toHaveLength(1);
    delete server.script.post['ping'];
    await rig.request('ping');
    await eventually(() => server.gets.length === 2, { what: 'it is asked for again' });
    expect(server.gets.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'e-7']);
    expect(rig.faultCodes).toEqual([]);
  });

  it('is left alone when every ping is answered', async () => {
    const server = await serve({ get: (asked) => openEvents(asked).write(eventOf(NOTE)) });
    const rig = await client(server);
    await eventually(() => rig.messages.length === 1, { what: 'the note is there' });
    await rig.request('ping');
    await rig.request('ping');
    await rig.request('tools/list');
    expect(server.gets).toHaveLength(1);
  });
});
