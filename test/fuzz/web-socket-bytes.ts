import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { acceptKey, closePayload, encodeFrame, opcodes } from '../fixtures/web-socket-frames.mjs';
import { cutAt, cuts, damaged } from './bytes.ts';
import { messageText } from './rpc-text.ts';

/** What a server says over one WebSocket, from its first frame to its goodbye, and what that means. */
export interface Conversation {
  readonly bytes: Buffer;
  /** Every text and binary message, whole. */
  readonly messages: readonly (string | Buffer)[];
  /** The code of the goodbye; null is one without, undefined is none at all. */
  readonly goodbye: number | null | undefined;
}

const EMPTY = Buffer.alloc(0);
const controlFrame = fc
  .tuple(fc.constantFrom(opcodes.ping, opcodes.pong), fc.constantFrom('', 'x', 'y'.repeat(125)))
  .map(([opcode, payload]) => encodeFrame(opcode, Buffer.from(payload)));

const payload = (ours: readonly number[]): fc.Arbitrary<string | Buffer> =>
  fc.oneof(
    { weight: 6, arbitrary: messageText(ours).map((text) => Buffer.from(text).toString()) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', ' ', '\uFEFF{}', 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(65_536)),
    },
    {
      weight: 1,
      arbitrary: fc.oneof(messageText(ours), fc.uint8Array({ maxLength: 200 })).map((bytes) => Buffer.from(bytes)),
    },
  );

interface Item {
  readonly payload: string | Buffer;
  readonly cuts: readonly number[];
  readonly between: readonly Buffer[];
  readonly isCompressed: boolean;
}

/** One message in as many frames as it is cut into, frames about the connection among them. */
function framesOf({ payload: content, cuts: shares, between, isCompressed }: Item, compresses: boolean): Buffer {
  const rsv1 = compresses && isCompressed;
  const parts = cutAt(rsv1 ? deflated(Buffer.from(content)) : Buffer.from(content), shares);
  const frames = parts.map((part, index) => {
    const first = typeof content === 'string' ? opcodes.text : opcodes.binary;
    const opcode = index === 0 ? first : opcodes.continuation;
    const frame = encodeFrame(opcode, part, { fin: index === parts.length - 1, rsv1: rsv1 && index === 0 });
    return Buffer.concat([frame, between[index] ?? EMPTY]);
  });
  return Buffer.concat(frames);
}

/** As the extension compresses: without the last four bytes. */
function deflated(bytes: Buffer): Buffer {
  const whole = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  return whole.subarray(0, whole.length - 4);
}

/** All by RFC 6455. `compresses`: the extension was agreed upon, so some of it is compressed. */
export function rightConversation(compresses: boolean, ours: readonly number[]): fc.Arbitrary<Conversation> {
  const codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3003, 3999, 4000, 4999];
  const item = fc.record({
    payload: payload(ours),
    cuts,
    between: fc.array(controlFrame, { maxLength: 3 }),
    isCompressed: fc.boolean(),
  });
  const parts = {
    items: fc.array(item, { maxLength: 8 }),
    goodbye: fc.oneof(fc.constantFrom(...codes), fc.constantFrom(null, undefined)),
    reason: fc.constantFrom('', 'going', 'zażółć 🙂', 'x'.repeat(123)),
  };
  return fc.record(parts).map(({ items, goodbye, reason }) => {
    const last = goodbye === null ? EMPTY : goodbye === undefined ? null : closePayload(goodbye, reason);
    return {
      bytes: Buffer.concat([
        ...items.map((each) => framesOf(each, compresses)),
        last === null ? EMPTY : encodeFrame(opcodes.close, last),
      ]),
      messages: items.map((each) => each.payload),
      goodbye,
    };
  });
}

/** Stands in the one message that no transport with the cap of a test may tell. */
export const BOMB_MARK = 'bomb';
/** That message: small on the wire, and large when it is read. */
const bomb = encodeFrame(opcodes.text, deflated(Buffer.from(`{"${BOMB_MARK}":1${' '.repeat(4 * 1024 * 1024)}}`)), {
  rsv1: true,
});

const wrongFrame = fc.oneof(
  fc.constant(bomb),
  // A length that nobody has memory for, or that is none.
  fc
    .constantFrom(126, 65_536, 2 ** 31, 2 ** 40, 2 ** 53 + 2)
    .map((length) => encodeFrame(opcodes.text, Buffer.from('{'), { length })),
  fc.constant(Buffer.from([0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
  // Masked, reserved, out of turn, and in more than one frame what may come only in one.
  fc
    .constantFrom([0x81, 0x80, 1, 2, 3, 4], [0xa1, 0], [0x91, 0], [0xf1, 0], [0x80, 0], [0x09, 0], [0x88, 1, 0])
    .map(Buffer.from),
  fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 255 })).map(([first, second]) => Buffer.from([first, second])),
  // Never the end of a message, and text that is none.
  fc.constant(
    Buffer.concat(
      Array.from({ length: 300 }, (_, index) => encodeFrame(index === 0 ? 1 : 0, Buffer.alloc(500), { fin: false })),
    ),
  ),
  fc.constantFrom([0xff], [0xed, 0xa0, 0x80], [0xc3]).map((bytes) => encodeFrame(opcodes.text, Buffer.from(bytes))),
  fc
    .constantFrom(0, 999, 1004, 1005, 1006, 1015, 2999, 65_535)
    .map((code) => encodeFrame(opcodes.close, closePayload(code))),
  fc.constant(encodeFrame(opcodes.ping, Buffer.alloc(126))),
);

/** A conversation in which some frames are wrong, or some bytes. */
export function hostileFrames(ours: readonly number[]): fc.Arbitrary<Buffer> {
  const right = fc
    .boolean()
    .chain((compresses) => rightConversation(compresses, ours))
    .map(({ bytes }) => bytes);
  return damaged(
    fc.array(fc.oneof(right, wrongFrame), { minLength: 1, maxLength: 3 }).map((parts) => Buffer.concat(parts)),
  );
}

/** The head that opens a WebSocket, given the key of the request; undefined as a value leaves that header out. */
export function upgradeHead(key: string, changed: Readonly<Record<string, string | undefined>> = {}): Buffer {
  const headers = {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-accept': acceptKey(key),
    'sec-websocket-protocol': 'mcp',
    ...changed,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return Buffer.from(['HTTP/1.1 101 Switching Protocols', ...lines, '', ''].join('\r\n'), 'latin1');
}

/** Headers with which no WebSocket may come about. */
export const wrongUpgradeHeaders = fc.constantFrom<Readonly<Record<string, string | undefined>>>(
  { 'sec-websocket-accept': undefined },
  { 'sec-websocket-accept': 'x' },
  { 'sec-websocket-accept': acceptKey('') },
  { 'sec-websocket-protocol': undefined },
  { 'sec-websocket-protocol': 'MCP2' },
  { 'sec-websocket-protocol': 'mcp, mcp' },
  { 'sec-websocket-extensions': 'permessage-bzip' },
  { upgrade: 'h2c' },
  { upgrade: undefined },
  { connection: 'close' },
);
