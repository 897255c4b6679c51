import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { cutAt, cuts, damaged } from './bytes.ts';
import { eventStream } from './event-stream-text.ts';
import type { ScriptedReply } from './reply-server.ts';
import { messageText } from './rpc-text.ts';

const statuses = [200, 202, 204, 206, 299, 301, 307, 304, 400, 401, 403, 404, 405, 406, 408, 410, 413, 415, 418, 429];
const status = fc.oneof(
  { weight: 6, arbitrary: fc.constant('200 OK') },
  {
    weight: 4,
    arbitrary: fc.constantFrom(...statuses, 500, 501, 502, 503, 504, 599).map((code) => `${code} Whatever`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '100 Continue',
      '103 Early Hints',
      '101 Switching Protocols',
      '000 Zero',
      '999 Odd',
      '20 Short',
      '2000 Long',
      '200',
      '',
    ),
  },
);

const contentType = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('application/json', 'text/event-stream') },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'Application/JSON; charset=utf-16',
      'text/event-stream;',
      ' application/json ',
      '"application/json"',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', 'text/html', ';', 'application/json, text/event-stream', 'application/jsonp', 'é'),
  },
);

const retryAfter = fc.constantFrom(
  '0',
  '1',
  '-1',
  '1.5',
  '99999999999999999999',
  'Wed, 21 Oct 2015 07:28:00 GMT',
  'Fri, 31 Dec 9999 23:59:59 GMT',
  'soon',
  '',
  'Fri',
  '0x10',
);
const otherHeader = fc.oneof(
  retryAfter.map((value) => `retry-after: ${value}`),
  fc.constantFrom('', 'another', 'x'.repeat(20_000), 'ž', 'a b').map((id) => `mcp-session-id: ${id}`),
  fc.constantFrom('/', 'http://127.0.0.1:1/', 'file:///etc/passwd', '//').map((to) => `location: ${to}`),
  fc
    .constantFrom('Bearer', 'Bearer resource_metadata="http://127.0.0.1:1/"', 'Basic', '"')
    .map((ask) => `www-authenticate: ${ask}`),
  fc.constantFrom(
    'connection: close',
    'keep-alive: timeout=0',
    'no colon',
    ': no name',
    'connection: upgrade',
    'trailer: x',
    'x: \0',
    'x: \u0001',
  ),
);

/** How a body is announced: as it is, or not. */
type Framing = 'length' | 'chunked' | 'close' | 'too long' | 'too short' | 'both' | 'bad chunks' | 'twice';
const framing = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom<Framing>('length', 'chunked', 'close') },
  { weight: 2, arbitrary: fc.constantFrom<Framing>('too long', 'too short', 'both', 'bad chunks', 'twice') },
);

const encodings: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  identity: (body) => body,
  // It says so and is not, or what it says is nothing.
  GZIP: (body) => body,
  'gzip, gzip': gzipSync,
  zstd: (body) => body,
  '': (body) => body,
};
const encoding = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.constantFrom(...Object.keys(encodings)) },
);

/** The whole of one HTTP response, as bytes: status, headers and body may each tell another story. `ours`: the ids it may answer. */
export function replyBytes(ours: readonly number[]): fc.Arbitrary<Buffer> {
  const message = messageText(ours).map((text) => Buffer.from(text));
  const events = fc
    .array(
      messageText(ours).filter((text) => text.length < 5_000),
      { minLength: 1, maxLength: 3 },
    )
    .map((messages) => Buffer.from(messages.map((each) => `retry: 0\ndata: ${each}\n\n`).join('')));
  const body = damaged(
    fc.oneof(
      { weight: 4, arbitrary: message },
      { weight: 3, arbitrary: events },
      { weight: 1, arbitrary: eventStream.map(withoutRetry) },
      { weight: 1, arbitrary: fc.constantFrom('', ' ', '[]', 'null').map((text) => Buffer.from(text)) },
    ),
  );
  const parts = { status, contentType, framing, encoding, body, others: fc.array(otherHeader, { maxLength: 3 }) };
  return damagedRarely(fc.record(parts).map(compose));
}

/** Such a response in pieces, and a connection that ends with it in one way or the other. */
export function scriptedReply(ours: readonly number[]): fc.Arbitrary<ScriptedReply> {
  return fc
    .record({
      bytes: replyBytes(ours),
      shares: cuts,
      ending: fc.constantFrom<ScriptedReply['ending']>('end', 'reset', 'later'),
    })
    .map(({ bytes, shares, ending }) => ({ pieces: cutAt(bytes, shares), ending }));
}

interface Parts {
  readonly status: string;
  readonly contentType: string;
  readonly framing: Framing;
  readonly encoding: string | null;
  readonly body: Buffer;
  readonly others: readonly string[];
}

function compose({ status: line, contentType: type, framing: how, encoding: name, body, others }: Parts): Buffer {
  const encoded = name === null ? body : (encodings[name]?.(body) ?? body);
  const { announced, written } = framed(how, encoded);
  const encodingLine = name === null ? [] : [`content-encoding: ${name}`];
  const head = [`HTTP/1.1 ${line}`, `content-type: ${type}`, ...announced, ...encodingLine, ...others, '', ''];
  return Buffer.concat([Buffer.from(head.join('\r\n'), 'latin1'), written]);
}

function framed(how: Framing, body: Buffer): { readonly announced: readonly string[]; readonly written: Buffer } {
  const half = Math.ceil(body.length / 2);
  const chunks = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0);
  const chunked = Buffer.concat([
    ...chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]),
    Buffer.from('0\r\n\r\n'),
  ]);
  switch (how) {
    case 'length':
      return { announced: [`content-length: ${body.length}`], written: body };
    case 'chunked':
      return { announced: ['transfer-encoding: chunked'], written: chunked };
    case 'close':
      return { announced: ['connection: close'], written: body };
    case 'too long':
      return { announced: [`content-length: ${body.length + 7}`], written: body };
    case 'too short':
      return { announced: [`content-length: ${Math.max(0, body.length - 7)}`], written: body };
    case 'both':
      return { announced: [`content-length: ${body.length}`, 'transfer-encoding: chunked'], written: chunked };
    case 'bad chunks':
      return { announced: ['transfer-encoding: chunked'], written: Buffer.concat([Buffer.from('zz\r\n'), body]) };
    case 'twice':
      return { announced: ['content-length: 1', `content-length: ${body.length}`], written: body };
  }
}

function damagedRarely(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc.oneof({ weight: 5, arbitrary: bytes }, { weight: 1, arbitrary: damaged(bytes) });
}

/** A server that gives its events ids may ask for up to 30 s before its reply is taken up again, which is real time here. */
function withoutRetry(events: Buffer): Buffer {
  return Buffer.from(events.toString('latin1').replaceAll('retry', 'again'), 'latin1');
}
