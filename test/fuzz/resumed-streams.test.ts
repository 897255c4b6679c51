import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StreamableHttpTransport } from '../../src/link/http/streamable-http-transport.ts';
import { startLeakCheck } from '../../src/testing/index.ts';
import { targetOf } from '../link/http/rig.ts';
import { Owner } from '../link/sdk/owner.ts';
import { eventually } from '../support/eventually.ts';
import { cutAt, cuts, damaged } from './bytes.ts';
import { readByStandard } from './event-stream-reading.ts';
import { endOf, fateOf } from './fates.ts';
import { fuzz } from './fuzz.ts';
import { Listener } from './heard-transport.ts';
import { scriptedReply } from './http-reply-bytes.ts';
import { flat } from './json-text.ts';
import { ReplyServer, STREAM_HEAD } from './reply-server.ts';
import type { ScriptedReply } from './reply-server.ts';
import { firstAnswer, isObject, parsed } from './rpc-reading.ts';
import { FIRST_ID } from './rpc-text.ts';
import { streamLeg } from './stream-legs.ts';

/** One leg of a stream as a server sends it: complete, or cut off where nothing says that it is. */
interface Leg {
  readonly said: Buffer;
  readonly isCutOff: boolean;
  readonly cuts: readonly number[];
}

const legs = fc.array(fc.record({ said: damaged(streamLeg), isCutOff: fc.boolean(), cuts }), {
  minLength: 1,
  maxLength: 3,
});

/** Real time passes between two legs, so each begins by asking for none. */
const AT_ONCE = Buffer.from('retry: 0\n\n');

function replyOf({ said, isCutOff, cuts: shares }: Leg): ScriptedReply {
  const body = Buffer.concat([AT_ONCE, said]);
  const chunk = Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body]);
  const bytes = isCutOff ? [CHUNKED_HEAD, chunk] : [Buffer.from(STREAM_HEAD), body];
  return { pieces: cutAt(Buffer.concat(bytes), shares), ending: 'end' };
}

const CHUNKED_HEAD = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n',
);

/** What a leg tells: every event of the type `message`, as the value of its text. */
function valuesOf(leg: Leg): unknown[] {
  const { events } = readByStandard(Buffer.concat([AT_ONCE, leg.said]));
  return events.flatMap(([type, data]) => (type === 'message' ? [parsed(data)] : []));
}

function idOf(leg: Leg): string {
  return readByStandard(Buffer.concat([AT_ONCE, leg.said])).id;
}

/** What the GETs since the last script said they had seen, as the bytes of the header. */
function resumedFrom(server: ReplyServer): (string | null)[] {
  return server.heard.flatMap(({ name, head }) =>
    name === 'GET' ? [/^last-event-id: *([^\r\n]*)/im.exec(head)?.[1]?.trimEnd() ?? null] : [],
  );
}

/** As it comes out of a header, which has no white space at its ends. */
function asHeader(id: string): string {
  return id.replaceAll(/^[\t ]+|[\t ]+$/g, '');
}

/** Runs the fuzzer against one server, and makes sure that nothing is left in the end. */
async function fuzzServer<T>(
  inputs: fc.Arbitrary<T>,
  check: (input: T, server: ReplyServer) => Promise<void>,
): Promise<void> {
  const leaks = startLeakCheck({ settleMs: 10_000 });
  const server = await ReplyServer.start();
  try {
    await fuzz('wire', inputs, (input) => check(input, server));
  } finally {
    await server.stop();
  }
  await leaks.verify();
}

const REFUSED: ScriptedReply = {
  pieces: [Buffer.from('HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n')],
  ending: 'stay',
};

function lastLeg(message: unknown): ScriptedReply {
  return { pieces: [Buffer.from(`${STREAM_HEAD}data: ${JSON.stringify(message)}\n\n`)], ending: 'stay' };
}

/** A link whose server offers no standing stream, so that every further GET is for a reply. */
async function openedLink(server: ReplyServer): Promise<Owner> {
  const owner = await new Owner(targetOf(server.url)).opened();
  await eventually(() => server.heard.some(({ name }) => name === 'GET'), {
    what: 'the standing stream was asked for',
  });
  return owner;
}

it('a reply is taken up again from the last event of its legs, and the first answer in any of them is the answer', async () => {
  await fuzzServer(legs, async (scripted, server) => {
    const [first, ...later] = scripted.map(replyOf);
    const whole = lastLeg({ jsonrpc: '2.0', id: FIRST_ID, result: { whole: true } });
    server.script({ 'tools/call': first === undefined ? [] : [first], GET: [REFUSED, ...later, whole] });
    const owner = await openedLink(server);
    try {
      expect(await endOf(owner.call('tools/call', { name: 'x' }))).toBe(expectedReply(scripted).end);
      await owner.probe();
      expect(owner.link.isOpen).toBe(true);
      expect(resumedFrom(server)).toEqual([null, ...expectedReply(scripted).resumedFrom]);
    } finally {
      await owner.link.close('kill');
    }
    expect(owner.types.indexOf('down')).toBe(owner.types.length - 1);
  });
});

function expectedReply(scripted: readonly Leg[]): { readonly end: string; readonly resumedFrom: readonly string[] } {
  const asked: string[] = [];
  let lastId = '';
  for (const [index, leg] of scripted.entries()) {
    const values = index === 0 ? valuesOf(leg).map(named) : valuesOf(leg);
    const end = firstAnswer(FIRST_ID, values);
    if (end !== null) return { end, resumedFrom: asked };
    lastId = idOf(leg) === '' ? lastId : idOf(leg);
    if (lastId === '') return { end: 'lost', resumedFrom: asked };
    asked.push(asHeader(lastId));
  }
  return { end: flat({ whole: true }), resumedFrom: asked };
}

/** An error without an id, in the response to the request itself, is about that request. */
function named(value: unknown): unknown {
  const isNameless =
    isObject(value) && !('method' in value) && (value['id'] ?? null) === null && isObject(value['error']);
  return isNameless ? { ...value, id: FIRST_ID } : value;
}

it('a standing stream is opened again from its last event, and tells everything once, in order', async () => {
  await fuzzServer(legs, async (scripted, server) => {
    const last = { jsonrpc: '2.0', method: 'last' };
    server.script({ GET: [...scripted.map(replyOf), lastLeg(last)] });
    const transport = new StreamableHttpTransport({ target: targetOf(server.url) });
    const listener = new Listener(transport);
    const values = scripted.flatMap(valuesOf);
    const messages = [...values.filter(isObject), last].map(flat);
    const codes = scripted.flatMap((leg) => [
      ...valuesOf(leg).flatMap((value) => (isObject(value) ? [] : ['bad-message'])),
      ...(leg.isCutOff ? ['UND_ERR_SOCKET'] : []),
    ]);
    try {
      await transport.start();
      await transport.send({ jsonrpc: '2.0', id: 0, method: 'initialize' });
      await transport.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
      await listener.heard(1 + messages.length + codes.length);
    } finally {
      await transport.end('kill');
    }
    expect({
      messages: listener.messages.slice(1),
      codes: listener.codes,
      resumedFrom: resumedFrom(server),
      ends: listener.ends.map((fault) => fault?.code),
    }).toEqual({
      messages,
      codes,
      resumedFrom: [null, ...scripted.map((_, index) => lastIdOf(scripted.slice(0, index + 1)))],
      ends: ['closed'],
    });
  });
});

function lastIdOf(scripted: readonly Leg[]): string | null {
  const id = scripted.map(idOf).findLast((each) => each !== '');
  return id === undefined ? null : asHeader(id);
}

it('whatever comes in the place of a stream that was asked for, the link stands and is of use', async () => {
  const replies = fc.array(scriptedReply([FIRST_ID]), { minLength: 1, maxLength: 2 });
  await fuzzServer(replies, async (replied, server) => {
    const begun: ScriptedReply = { pieces: [Buffer.from(`${STREAM_HEAD}retry: 0\nid: 1\n\n`)], ending: 'end' };
    server.script({ 'tools/call': [begun], GET: replied });
    const owner = await openedLink(server);
    try {
      expect(['answered', 'failed']).toContain(await fateOf(owner.call('tools/call', { name: 'x' })));
      await owner.probe();
      // A connection that a server closes without having said so loses the call that is written to it in that moment, and no other.
      const fates = [await fateOf(owner.call('tools/call', { name: 'x' }))];
      if (fates[0] === 'failed') fates.push(await fateOf(owner.call('tools/call', { name: 'x' })));
      expect(fates.at(-1)).toBe('answered');
      expect(owner.types).not.toContain('down');
    } finally {
      await owner.link.close('kill');
    }
    expect(owner.types.indexOf('down')).toBe(owner.types.length - 1);
  });
});
