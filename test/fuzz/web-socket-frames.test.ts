import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LinkError } from '../../src/link/fault.ts';
import { WebSocketTransport } from '../../src/link/web-socket/web-socket-transport.ts';
import { startLeakCheck } from '../../src/testing/index.ts';
import { encodeFrame, FrameDecoder, opcodes } from '../fixtures/web-socket-frames.mjs';
import { Owner } from '../link/sdk/owner.ts';
import { INITIALIZE_RESULT } from '../link/sdk/scripted-transport.ts';
import type { WireMessage } from '../link/sdk/scripted-transport.ts';
import { WebSocketServer } from '../support/web-socket-server.ts';
import { cutAt, cuts } from './bytes.ts';
import { fateOf } from './fates.ts';
import { fuzz } from './fuzz.ts';
import { Listener } from './heard-transport.ts';
import { scriptedReply } from './http-reply-bytes.ts';
import { flat } from './json-text.ts';
import { play } from './reply-server.ts';
import type { ScriptedReply } from './reply-server.ts';
import { isObject, parsed } from './rpc-reading.ts';
import { FIRST_ID } from './rpc-text.ts';
import { BOMB_MARK, hostileFrames, rightConversation, upgradeHead, wrongUpgradeHeaders } from './web-socket-bytes.ts';

/** How many messages that are none a transport reports one by one. */
const NOISE_REPORT_LIMIT = 5;
const MAX_MESSAGE_BYTES = 100_000;

const endings = fc.constantFrom<ScriptedReply['ending']>('end', 'reset', 'later');
const targetAt = ({ url }: WebSocketServer) => ({ kind: 'webSocket', url, headers: {} }) as const;

/** Runs the fuzzer against one server that does to each connection what `serve` says, and makes sure that nothing is left in the end. */
async function fuzzServer<T>(
  inputs: fc.Arbitrary<T>,
  serve: (input: T, socket: Socket, key: string) => Promise<void>,
  check: (input: T, server: WebSocketServer) => Promise<void>,
): Promise<void> {
  const leaks = startLeakCheck({ settleMs: 10_000 });
  let onUpgrade: (socket: Socket, key: string) => Promise<void> = () => Promise.resolve();
  const server = await WebSocketServer.start({
    refuse: (request, socket: Duplex) => {
      if (socket instanceof Socket) void onUpgrade(socket, String(request.headers['sec-websocket-key']));
      return true;
    },
  });
  try {
    await fuzz('wire', inputs, async (input) => {
      onUpgrade = (socket, key) => serve(input, socket, key);
      await check(input, server);
    });
  } finally {
    await server.stop();
  }
  await leaks.verify();
}

/** How the transport comes to its end, which it has to come to by itself. */
async function lifeOf(transport: WebSocketTransport): Promise<{ start: string; listener: Listener }> {
  const listener = new Listener(transport);
  try {
    const start = await startOf(transport);
    await listener.ended;
    return { start, listener };
  } finally {
    await transport.end('kill');
  }
}

async function startOf(transport: WebSocketTransport): Promise<string> {
  try {
    await transport.start();
    return 'started';
  } catch (error) {
    return error instanceof LinkError ? 'failed' : `not ours: ${String(error)}`;
  }
}

it('messages come out whole, in whatever frames and pieces they were sent, and the goodbye says how it ended', async () => {
  const inputs = fc
    .boolean()
    .chain((compresses) =>
      fc.record({ compresses: fc.constant(compresses), said: rightConversation(compresses, [FIRST_ID]), cuts }),
    );
  await fuzzServer(
    inputs,
    ({ compresses, said, cuts: shares }, socket, key) => {
      const extensions = compresses ? { 'sec-websocket-extensions': 'permessage-deflate' } : {};
      const bytes = Buffer.concat([upgradeHead(key, extensions), said.bytes]);
      return play(socket, { pieces: cutAt(bytes, shares), ending: 'stay' });
    },
    async ({ said }, server) => {
      const values = said.messages.map((each) => (typeof each === 'string' ? parsed(each) : undefined));
      const objects = values.filter(isObject);
      const noise = values.length - objects.length;
      const reports = Math.min(noise, NOISE_REPORT_LIMIT);

      const transport = new WebSocketTransport({ target: targetAt(server) });
      const listener = new Listener(transport);
      try {
        await transport.start();
        if (said.goodbye === undefined) await listener.heard(objects.length + reports);
        else await listener.ended;
      } finally {
        await transport.end('kill');
      }
      expect({
        messages: listener.messages,
        codes: listener.codes,
        ends: listener.ends.map((fault) => fault?.code),
      }).toEqual({
        messages: objects.map(flat),
        codes: Array.from({ length: reports }, () => 'not-a-message'),
        ends: [said.goodbye === undefined ? 'closed' : `close:${said.goodbye ?? 1005}`],
      });
    },
  );
});

it('whatever frames come, the transport ends once, and no message is larger than the cap', async () => {
  const inputs = fc.record({ frames: hostileFrames([FIRST_ID]), cuts, ending: endings, compresses: fc.boolean() });
  await fuzzServer(
    inputs,
    ({ frames, cuts: shares, ending, compresses }, socket, key) => {
      const extensions = compresses ? { 'sec-websocket-extensions': 'permessage-deflate' } : {};
      return play(socket, { pieces: cutAt(Buffer.concat([upgradeHead(key, extensions), frames]), shares), ending });
    },
    async (_input, server) => {
      const transport = new WebSocketTransport({ target: targetAt(server), maxMessageBytes: MAX_MESSAGE_BYTES });
      const { start, listener } = await lifeOf(transport);
      expect(['started', 'failed']).toContain(start);
      expect(listener.codes.filter((code) => code !== 'not-a-message')).toEqual([]);
      expect(listener.ends).toHaveLength(1);
      expect(listener.messages.filter((message) => message.includes(BOMB_MARK))).toEqual([]);
    },
  );
});

it('whatever frames come after a call, the call settles, and the link goes down with its connection, once', async () => {
  const inputs = fc.record({ frames: hostileFrames([FIRST_ID]), cuts, ending: endings });
  await fuzzServer(
    inputs,
    async ({ frames, cuts: shares, ending }, socket, key) => {
      const decoder = new FrameDecoder();
      socket.on('data', (chunk: Buffer) => {
        for (const { opcode, payload } of decoder.push(chunk)) {
          const { method, id } = opcode === opcodes.text ? (JSON.parse(payload.toString()) as WireMessage) : {};
          const answer = JSON.stringify({ jsonrpc: '2.0', id, result: INITIALIZE_RESULT });
          if (method === 'initialize') socket.write(encodeFrame(opcodes.text, Buffer.from(answer)));
          if (method === 'tools/call') void play(socket, { pieces: cutAt(frames, shares), ending });
        }
      });
      await play(socket, { pieces: [upgradeHead(key)], ending: 'stay' });
    },
    async (_input, server) => {
      const owner = await new Owner(targetAt(server)).opened();
      try {
        const call = fateOf(owner.call('tools/call', { name: 'x' }));
        await owner.first('down');
        expect(['answered', 'failed']).toContain(await call);
      } finally {
        await owner.link.close('kill');
      }
      expect(owner.types.indexOf('down')).toBe(owner.types.length - 1);
    },
  );
});

it('what is no WebSocket does not open, whatever it says it is', async () => {
  const bodies = fc.record({ headers: wrongUpgradeHeaders, frames: hostileFrames([FIRST_ID]), cuts, ending: endings });
  await fuzzServer(
    fc.oneof(scriptedReply([FIRST_ID]), bodies),
    (input, socket, key) => {
      if ('pieces' in input) return play(socket, input);
      const bytes = Buffer.concat([upgradeHead(key, input.headers), input.frames]);
      return play(socket, { pieces: cutAt(bytes, input.cuts), ending: input.ending });
    },
    async (_input, server) => {
      const { start, listener } = await lifeOf(new WebSocketTransport({ target: targetAt(server) }));
      expect([start, listener.messages, listener.ends.length]).toEqual(['failed', [], 1]);
    },
  );
});
