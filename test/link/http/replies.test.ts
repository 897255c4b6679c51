import { randomBytes } from 'node:crypto';
import { createGzip, brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MAX_DATA_CONNECTIONS } from '../../../src/link/http/http-pools.ts';
import { eventually } from '../../support/eventually.ts';
import { failureOf } from '../sdk/owner.ts';
import { answerStatus, eventOf, openEvents, resultFor } from './lean-server.ts';
import type { Asked } from './lean-server.ts';
import { client, expectNothingLeft, link, serve } from './rig.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const EVENTS_TYPE = { 'content-type': 'text/event-stream' };
const reply = (asked: Asked): string => JSON.stringify(resultFor(asked));

describe('a reply', () => {
  expectNothingLeft();

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (text: string) => Buffer.from(text)],
  ])('that the server encodes as %s unasked is decoded, as JSON and as events', async (encoding, encode) => {
    const server = await serve({
      post: {
        'tools/call': (asked) =>
          asked.response.writeHead(200, { ...JSON_TYPE, 'content-encoding': encoding }).end(encode(reply(asked))),
        'prompts/get': (asked) =>
          asked.response
            .writeHead(200, { ...EVENTS_TYPE, 'content-encoding': encoding })
            .end(encode(eventOf(resultFor(asked)))),
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    await rig.request('prompts/get');
    expect(rig.messages).toEqual([
      { jsonrpc: '2.0', id: rig.lastId - 1, result: { from: 'events' } },
      { jsonrpc: '2.0', id: rig.lastId, result: { from: 'events' } },
    ]);
    expect(server.posts.every(({ headers }) => headers['accept-encoding'] === undefined)).toBe(true);
  });

  it.each([
    ['an encoding that nobody knows', { 'content-encoding': 'zstd9' }, 'protocol content-encoding'],
    ['an encoding that it is not in', { 'content-encoding': 'gzip' }, 'protocol Z_DATA_ERROR'],
  ])('in %s fails its request', async (_what, headers, expected) => {
    const server = await serve({
      post: { 'tools/call': (asked) => answerStatus(200, { ...JSON_TYPE, ...headers }, reply(asked))(asked) },
    });
    const rig = await client(server);
    const failure = await failureOf(rig.request('tools/call'));
    expect(failure.kind === 'link' && `${failure.sent} ${failure.fault.kind} ${failure.fault.code}`).toBe(
      `true ${expected}`,
    );
  });

  it.each([
    ['202', answerStatus(202), 'no-answer'],
    ['204', answerStatus(204), 'no-answer'],
    ['an empty 200', answerStatus(200, JSON_TYPE), 'no-answer'],
    ['a page', answerStatus(200, { 'content-type': 'text/html' }, '<html>'), 'content-type'],
    ['no content type', answerStatus(200, {}, 'ok'), 'content-type'],
    ['half of a JSON text', answerStatus(200, JSON_TYPE, '{"jsonrpc":'), 'bad-json'],
    ['an answer to something else', answerStatus(200, JSON_TYPE, '{"jsonrpc":"2.0","id":77,"result":{}}'), 'no-answer'],
    ['an empty batch', answerStatus(200, JSON_TYPE, '[]'), 'no-answer'],
  ])('that is %s fails its request at once, which may have been executed', async (_what, answer, code) => {
    const server = await serve({ post: { 'tools/call': answer } });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { kind: 'protocol', code },
    });
    expect(rig.transport.isEnding).toBe(false);
  });

  it('may be a batch, of which every message is delivered in order', async () => {
    const server = await serve({
      post: {
        'tools/call': (asked) =>
          answerStatus(
            200,
            JSON_TYPE,
            `\uFEFF${JSON.stringify([{ jsonrpc: '2.0', method: 'notifications/message', params: {} }, 5, resultFor(asked)])}`,
          )(asked),
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    expect(rig.messages).toEqual([
      { jsonrpc: '2.0', method: 'notifications/message', params: {} },
      { jsonrpc: '2.0', id: rig.lastId, result: { from: 'events' } },
    ]);
    expect(rig.faultCodes).toEqual(['protocol bad-json']);
  });

  it('may carry its id as a string', async () => {
    const server = await serve({
      post: {
        'tools/call': (asked) =>
          answerStatus(
            200,
            JSON_TYPE,
            JSON.stringify({ jsonrpc: '2.0', id: String(asked.message.id), result: {} }),
          )(asked),
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    expect(rig.messages).toHaveLength(1);
  });

  it('that resets in the middle fails its request, reports it, and the next request gets a new connection', async () => {
    const server = await serve({
      post: {
        'tools/call': ({ response, request }) => {
          response.writeHead(200, { ...JSON_TYPE, 'content-length': '100' }).write('{"jsonrpc"', () => {
            request.socket.resetAndDestroy();
          });
        },
      },
    });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { kind: 'transport' },
    });
    expect(rig.faults).toMatchObject([{ kind: 'transport' }]);
    await rig.request('tools/list');
  });
});

describe('the caps', () => {
  expectNothingLeft();

  const huge = { maxMessageBytes: 64 * 1024 };
  const json = (bytes: number) => (asked: Asked) => {
    const text = reply(asked);
    return `${text.slice(0, -1)},"pad":"${'x'.repeat(bytes - text.length - 9)}"}`;
  };

  it('let a message of exactly the cap pass and cut off one byte more, as JSON and as an event', async () => {
    const server = await serve({
      post: {
        'tools/call': (asked) => answerStatus(200, JSON_TYPE, json(huge.maxMessageBytes)(asked))(asked),
        'prompts/get': (asked) => answerStatus(200, JSON_TYPE, json(huge.maxMessageBytes + 1)(asked))(asked),
        'resources/read': (asked) =>
          answerStatus(200, EVENTS_TYPE, `data:${json(huge.maxMessageBytes - 5)(asked)}\n\n`)(asked),
        'resources/list': (asked) =>
          answerStatus(200, EVENTS_TYPE, `data:${json(huge.maxMessageBytes - 4)(asked)}\n\n`)(asked),
      },
    });
    const rig = await client(server, huge);
    await rig.request('tools/call');
    await rig.request('resources/read');
    const failures = [await failureOf(rig.request('prompts/get')), await failureOf(rig.request('resources/list'))];
    expect(failures.map((failure) => failure.kind === 'link' && [failure.sent, failure.fault.code])).toEqual([
      [true, 'message-too-large'],
      [true, 'message-too-large'],
    ]);
  });

  it('compressed, ended by the end of the connection and faster than it can be decoded, takes nothing down', async () => {
    const text = randomBytes(512 * 1024).toString('base64');
    const server = await serve({
      post: {
        'tools/call': ({ message, response }) => {
          const body = gzipSync(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { text } }));
          const head =
            'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\nconnection: close\r\n\r\n';
          response.socket?.end(Buffer.concat([Buffer.from(head), body]));
        },
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    expect(rig.messages).toEqual([{ jsonrpc: '2.0', id: rig.lastId, result: { text } }]);
  });

  it.each([
    ['JSON', JSON_TYPE],
    ['an event', EVENTS_TYPE],
  ])('cut off a bomb of a gigabyte in %s after the first 16 MB of it', async (_what, type) => {
    let read = 0;
    const server = await serve({
      post: {
        'tools/call': ({ response }) => {
          response.writeHead(200, { ...type, 'content-encoding': 'gzip' });
          const gzip = createGzip({ level: 1 });
          gzip.on('error', () => undefined).pipe(response);
          const piece = Buffer.alloc(1024 * 1024, 'x');
          gzip.write(type === EVENTS_TYPE ? 'data: ' : '"');
          const more = (): void => {
            while (read < 1024 && !response.destroyed) {
              read += 1;
              if (!gzip.write(piece)) {
                gzip.once('drain', more);
                return;
              }
            }
            gzip.destroy();
          };
          response.on('close', () => gzip.destroy());
          more();
        },
      },
    });
    const rig = await client(server);
    const before = process.memoryUsage().rss;
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { kind: 'protocol', code: 'message-too-large' },
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    expect(read).toBeLessThan(1024);
  });
});

describe('a reply of events', () => {
  expectNothingLeft();
  afterEach(() => {
    vi.useRealTimers();
  });

  it('delivers what comes before the answer, and does not wait for the end of the stream', async () => {
    const server = await serve({
      post: {
        'tools/call': (asked) => {
          const response = openEvents(asked);
          response.write(eventOf({ jsonrpc: '2.0', method: 'notifications/message', params: { n: 1 } }));
          response.write(`event: other\ndata: not for us\n\n${eventOf(resultFor(asked))}`);
        },
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    expect(rig.messages).toEqual([
      { jsonrpc: '2.0', method: 'notifications/message', params: { n: 1 } },
      { jsonrpc: '2.0', id: rig.lastId, result: { from: 'events' } },
    ]);
  });

  it('that stays open after the answer is cut off a second later', async () => {
    let closed = false;
    const server = await serve({
      post: {
        'tools/call': (asked) => {
          asked.response.on('close', () => {
            closed = true;
          });
          openEvents(asked).write(eventOf(resultFor(asked)));
        },
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    expect(closed).toBe(false);
    await eventually(() => closed, { what: 'the reply is cut off' });
  });

  it('that stays open after the answer gives its connection up as soon as another call waits for one', async () => {
    const server = await serve({
      post: { 'tools/call': (asked) => openEvents(asked).write(eventOf(resultFor(asked))) },
    });
    const rig = await client(server);
    // Nothing is cut off for its age from here on.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await Promise.all(Array.from({ length: MAX_DATA_CONNECTIONS + 20 }, () => rig.request('tools/call')));
    await rig.request('tools/call');
    expect(rig.messages).toHaveLength(MAX_DATA_CONNECTIONS + 21);
  });

  it.each([
    ['ends', (asked: Asked) => openEvents(asked).end(': nothing\n\n'), 'reply-ended'],
    [
      'is reset',
      (asked: Asked) => openEvents(asked).write(': nothing\n\n', () => asked.request.socket.resetAndDestroy()),
      'UND_ERR_SOCKET|ECONNRESET',
    ],
  ])(
    'that %s before the answer and gave no event id fails its request at once, and the server is told',
    async (_how, answer, code) => {
      const server = await serve({ post: { 'tools/call': answer } });
      const owner = await link(server).opened();
      const failure = await failureOf(owner.call('tools/call'));
      expect(failure).toMatchObject({ kind: 'link', sent: true, fault: { kind: 'transport' } });
      expect(failure.kind === 'link' && failure.fault.code).toMatch(new RegExp(`^(${code})$`));
      const { message } = await server.posted('tools/call');
      expect((await server.posted('notifications/cancelled')).message.params).toMatchObject({ requestId: message.id });
      await owner.first('fault');
      expect(server.gets).toHaveLength(1);
    },
  );

  it('is taken up again from the last event, and the answer comes on the later leg', async () => {
    const server = await serve({
      post: {
        'tools/call': (asked) => openEvents(asked).end(`retry: 10\nid: leg-1\ndata:\n\n`),
      },
      get: (asked) => {
        const { message } = server.posts.findLast(({ message: { method } }) => method === 'tools/call') ?? {};
        if (asked.headers['last-event-id'] === undefined) answerStatus(405)(asked);
        else openEvents(asked).end(eventOf({ jsonrpc: '2.0', id: message?.id, result: { leg: 2 } }, 'leg-2'));
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    expect(rig.messages).toEqual([{ jsonrpc: '2.0', id: rig.lastId, result: { leg: 2 } }]);
    expect(server.gets.map(({ headers }) => [headers['last-event-id'], headers['mcp-session-id']])).toEqual([
      [undefined, 'session-1'],
      ['leg-1', 'session-1'],
    ]);
  });

  it('is taken up three times in vain and no more', async () => {
    const server = await serve({
      post: { 'tools/call': (asked) => openEvents(asked).end(`retry: 0\nid: 1\ndata:\n\n`) },
      get: (asked) => {
        if (asked.headers['last-event-id'] === undefined) answerStatus(405)(asked);
        else openEvents(asked).end();
      },
    });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({
      kind: 'link',
      sent: true,
      fault: { code: 'reply-ended' },
    });
    expect(rig.faultCodes).toEqual(['transport reply-ended']);
    expect(server.gets.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '1', '1']);
  });

  it('is taken up as often as it takes while every leg brings a new event', async () => {
    let leg = 0;
    const server = await serve({
      post: { 'tools/call': (asked) => openEvents(asked).end(`retry: 0\nid: 0\ndata:\n\n`) },
      get: (asked) => {
        if (asked.headers['last-event-id'] === undefined) {
          answerStatus(405)(asked);
          return;
        }
        leg += 1;
        const { message } = server.posts.at(-1) ?? {};
        const last = eventOf({ jsonrpc: '2.0', id: message?.id, result: { leg } }, String(leg));
        openEvents(asked).end(leg < 5 ? `id: ${leg}\ndata:\n\n` : last);
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    expect(rig.messages).toEqual([{ jsonrpc: '2.0', id: rig.lastId, result: { leg: 5 } }]);
  });

  it.each([404, 401])(
    'whose resumption is answered with %i is lost at once, which says nothing of the session',
    async (status) => {
      const server = await serve({
        post: { 'tools/call': (asked) => openEvents(asked).end(`retry: 0\nid: 1\ndata:\n\n`) },
        get: (asked) => answerStatus(asked.headers['last-event-id'] === undefined ? 405 : status)(asked),
      });
      const rig = await client(server);
      expect(await failureOf(rig.request('tools/call'))).toMatchObject({
        kind: 'link',
        sent: true,
        fault: { kind: 'transport', code: 'reply-lost' },
      });
      expect([rig.transport.isEnding, rig.faultCodes]).toEqual([false, ['transport reply-lost']]);
    },
  );

  it.each([
    ['is answered with 503 by a proxy', answerStatus(503)],
    ['never reaches the server', (asked: Asked) => asked.request.socket.resetAndDestroy()],
  ])('whose resumption %s is taken up again, and answered', async (_how, stumble) => {
    let stumbles = 2;
    const server = await serve({
      post: { 'tools/call': (asked) => openEvents(asked).end(`retry: 0\nid: 1\ndata:\n\n`) },
      get: (asked) => {
        if (asked.headers['last-event-id'] === undefined) {
          answerStatus(405)(asked);
          return;
        }
        stumbles -= 1;
        const { message } = server.posts.findLast(({ message: { method } }) => method === 'tools/call') ?? {};
        if (stumbles >= 0) stumble(asked);
        else openEvents(asked).end(eventOf({ jsonrpc: '2.0', id: message?.id, result: { leg: 4 } }));
      },
    });
    const rig = await client(server);
    await rig.request('tools/call');
    expect(rig.messages).toEqual([{ jsonrpc: '2.0', id: rig.lastId, result: { leg: 4 } }]);
    expect(server.gets.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '1', '1']);
  });

  it('whose resumption is answered with 500 three times is lost', async () => {
    const server = await serve({
      post: { 'tools/call': (asked) => openEvents(asked).end(`retry: 0\nid: 1\ndata:\n\n`) },
      get: (asked) => answerStatus(asked.headers['last-event-id'] === undefined ? 405 : 500)(asked),
    });
    const rig = await client(server);
    expect(await failureOf(rig.request('tools/call'))).toMatchObject({ kind: 'link', fault: { code: 'reply-lost' } });
    expect(server.gets.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '1', '1']);
  });

  it('is not taken up again for a call that has timed out', async () => {
    const server = await serve({
      post: { 'tools/call': (asked) => openEvents(asked).end(`retry: 20\nid: 1\ndata:\n\n`) },
    });
    const rig = await client(server);
    let drop: () => void = () => undefined;
    const failure = failureOf(
      rig.request('tools/call', {}, { whenSettled: (callback) => (drop = callback), onHandedOver: () => undefined }),
    );
    await server.posted('tools/call');
    drop();
    expect(await failure).toEqual({ kind: 'aborted', sent: true });
    await rig.request('tools/list');
    expect(server.gets).toHaveLength(1);
  });
});
