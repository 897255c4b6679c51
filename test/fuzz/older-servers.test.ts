import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LinkError } from '../../src/link/fault.ts';
import { SseTransport } from '../../src/link/http/sse-transport.ts';
import { startLeakCheck } from '../../src/testing/index.ts';
import { targetOf } from '../link/http/rig.ts';
import { Owner } from '../link/sdk/owner.ts';
import { cutAt, cuts, damaged } from './bytes.ts';
import { endpointStream } from './endpoint-text.ts';
import { readByStandard } from './event-stream-reading.ts';
import { eventStream } from './event-stream-text.ts';
import { fateOf } from './fates.ts';
import { fuzz } from './fuzz.ts';
import { Listener } from './heard-transport.ts';
import { scriptedReply } from './http-reply-bytes.ts';
import { flat } from './json-text.ts';
import { play, ReplyServer, STREAM_HEAD } from './reply-server.ts';
import { isObject, parsed } from './rpc-reading.ts';
import { FIRST_ID, INITIALIZE_ID, messageText } from './rpc-text.ts';

/** What a stream comes to that says this from beginning to end. */
interface Expected {
  /** Where messages go, as soon as that was said in a way that holds. */
  readonly endpoint: string | null;
  readonly messages: string[];
  readonly badMessages: number;
  /** Why the transport goes down before the stream ends; null: it does not. */
  readonly downCode: string | null;
}

function expectedOf(stream: Buffer, serverUrl: string): Expected {
  const messages: string[] = [];
  let [endpoint, badMessages]: [string | null, number] = [null, 0];
  for (const [type, data] of readByStandard(stream).events) {
    if (type === 'endpoint') {
      const url = URL.canParse(data, serverUrl) ? new URL(data, serverUrl) : null;
      if (url?.origin !== new URL(serverUrl).origin)
        return { endpoint, messages, badMessages, downCode: 'bad-endpoint' };
      const address = url.pathname + url.search;
      if (endpoint !== null && endpoint !== address)
        return { endpoint, messages, badMessages, downCode: 'endpoint-moved' };
      endpoint = address;
    }
    if (type !== 'message') continue;
    const message = parsed(data);
    if (isObject(message)) messages.push(flat(message));
    else badMessages += 1;
  }
  return { endpoint, messages, badMessages, downCode: null };
}

it('an older server decides where messages go, on its own origin and once, however its stream is cut', async () => {
  const leaks = startLeakCheck({ settleMs: 10_000 });
  const server = await ReplyServer.start();
  const stranger = await ReplyServer.start();
  const inputs = fc.record({
    stream: damaged(endpointStream(stranger.origin, server.origin)),
    cuts,
    chunks: fc.option(cuts),
    ends: fc.boolean(),
  });
  try {
    await fuzz('wire', inputs, async ({ stream, cuts: shares, chunks, ends }) => {
      const bytes =
        chunks === null ? Buffer.concat([Buffer.from(STREAM_HEAD), stream]) : chunked(cutAt(stream, chunks));
      server.script({ GET: [{ pieces: cutAt(bytes, shares), ending: ends ? 'end' : 'stay' }] });
      const transport = new SseTransport({ target: targetOf(server.url, { mode: 'sse' }) });
      const listener = new Listener(transport);
      const expected = expectedOf(stream, server.url);
      try {
        const start = startOf(transport);
        const staysUp = expected.downCode === null && !ends;
        const isUsable = staysUp && expected.endpoint !== null && (await start) === 'started';
        if (isUsable) await transport.send({ jsonrpc: '2.0', id: FIRST_ID + 1_000, method: 'ping' });
        if (staysUp) await listener.heard(expected.messages.length + expected.badMessages);
        else await listener.ended;
        if (staysUp) await transport.end('kill');
        const endCode = ends ? (chunks === null ? 'stream-ended' : 'UND_ERR_SOCKET') : 'closed';
        expect({
          start: await start,
          posts: server.heard.filter(({ name }) => name !== 'GET').map(({ name, path }) => `${name} ${path}`),
          messages: listener.messages,
          codes: listener.codes,
          ends: listener.ends.map((fault) => fault?.code),
        }).toEqual({
          start: expected.endpoint === null ? 'failed' : 'started',
          posts: staysUp && expected.endpoint !== null ? [`ping ${expected.endpoint}`] : [],
          messages: expected.messages,
          codes: Array.from({ length: expected.badMessages }, () => 'bad-message'),
          ends: [expected.downCode ?? endCode],
        });
      } finally {
        await transport.end('kill');
      }
      expect(stranger.heard).toEqual([]);
    });
  } finally {
    await server.stop();
    await stranger.stop();
  }
  await leaks.verify();
});

async function startOf(transport: SseTransport): Promise<string> {
  try {
    await transport.start();
    return 'started';
  } catch (error) {
    return error instanceof LinkError ? 'failed' : `not ours: ${String(error)}`;
  }
}

/** A stream in chunks of HTTP that never says that it is complete. */
function chunked(chunks: readonly Buffer[]): Buffer {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
  const parts = chunks.filter(({ length }) => length > 0);
  return Buffer.concat([
    Buffer.from(head),
    ...parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
  ]);
}

it('whatever an older server says on its stream and replies to a call, the call settles, and a link that stands is of use', async () => {
  const leaks = startLeakCheck({ settleMs: 10_000 });
  const server = await ReplyServer.start({ answersOnStream: true });
  const noise = damaged(
    fc.oneof(
      eventStream,
      fc
        .array(
          messageText([FIRST_ID]).filter((text) => text.length < 5_000),
          { maxLength: 4 },
        )
        .map((messages) => Buffer.from(messages.map((each) => `data: ${each}\n\n`).join(''))),
    ),
  );
  try {
    const inputs = fc.record({ noise, cuts, reply: fc.option(scriptedReply([FIRST_ID])) });
    await fuzz('wire', inputs, async ({ noise: said, cuts: shares, reply }) => {
      server.script({ 'tools/call': reply === null ? [] : [reply] });
      const owner = await new Owner(targetOf(server.url, { mode: 'sse' })).opened();
      try {
        const call = fateOf(owner.call('tools/call', { name: 'x' }));
        if (server.stream !== undefined) await play(server.stream, { pieces: cutAt(said, shares), ending: 'stay' });
        const probe = await fateOf(owner.probe());
        if (probe !== 'answered') await owner.first('down');
        expect([probe, owner.types.includes('down')]).toEqual(
          probe === 'answered' ? ['answered', false] : ['failed', true],
        );
        // A call that was taken, and that nobody answers, ends with the link.
        await owner.link.close('kill');
        expect(['answered', 'failed']).toContain(await call);
      } finally {
        await owner.link.close('kill');
      }
      expect(owner.types.indexOf('down')).toBe(owner.types.length - 1);
    });
  } finally {
    await server.stop();
  }
  await leaks.verify();
});

it('whatever comes in the place of an older server’s stream, the link goes down with it, once', async () => {
  const leaks = startLeakCheck({ settleMs: 10_000 });
  const server = await ReplyServer.start({ answersOnStream: true });
  try {
    await fuzz('wire', scriptedReply([INITIALIZE_ID]), async (reply) => {
      server.script({ GET: [reply] });
      const owner = new Owner(targetOf(server.url, { mode: 'sse' }));
      try {
        await owner.first('down');
      } finally {
        await owner.link.close('kill');
      }
      expect(owner.types.indexOf('down')).toBe(owner.types.length - 1);
    });
  } finally {
    await server.stop();
  }
  await leaks.verify();
});
