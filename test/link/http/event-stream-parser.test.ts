import { describe, expect, it } from 'vitest';
import { EventStreamParser } from '../../../src/link/http/event-stream-parser.ts';

interface Read {
  readonly events: [type: string, data: string][];
  readonly id: string;
  readonly retryMs: number | null;
  readonly oversized: number;
  readonly ended: number;
}

function read(chunks: readonly Uint8Array[], maxEventBytes = 1024 * 1024): Read {
  const events: [string, string][] = [];
  let oversized = 0;
  let ended = 0;
  const parser = new EventStreamParser(maxEventBytes, {
    onEvent: (type, data) => events.push([type, data]),
    onOversize: () => (oversized += 1),
    onEnd: () => (ended += 1),
  });
  for (const chunk of chunks) parser.push(Buffer.from(chunk));
  parser.end();
  return { events, id: parser.lastEventId, retryMs: parser.retryMs, oversized, ended };
}

/** The whole text at once, and byte by byte, and in every pair of pieces: all must read the same. */
function readEveryWay(text: string): Read {
  const bytes = Buffer.from(text, 'utf8');
  const whole = read([bytes]);
  expect(read([...bytes].map((byte) => Buffer.from([byte])))).toEqual(whole);
  for (let cut = 1; cut < bytes.length; cut += 1) {
    expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
  }
  return whole;
}

describe('an event stream', () => {
  it.each([
    ['LF', '\n'],
    ['CR', '\r'],
    ['CRLF', '\r\n'],
  ])('with lines that end in %s reads the same however it is cut into chunks', (_name, eol) => {
    const text = ['data: {"a":1}', 'id: 7', '', 'event: ping', 'data', 'data:  two', ': comment', 'retry: 250', '', ''];
    expect(readEveryWay(text.join(eol))).toEqual({
      events: [
        ['message', '{"a":1}'],
        ['ping', '\n two'],
      ],
      id: '7',
      retryMs: 250,
      oversized: 0,
      ended: 1,
    });
  });

  it('keeps characters whole that come in two chunks, and skips a byte order mark', () => {
    expect(readEveryWay('\uFEFFdata: zażółć 🙂 語\n\n').events).toEqual([['message', 'zażółć 🙂 語']]);
  });

  it('takes an id only when its event has ended, and also from an event without data', () => {
    expect(readEveryWay('id: 1\n\nid: 2\ndata: x').id).toBe('1');
  });

  it('ignores an id with NUL or with what no header can carry, and a retry that is no number', () => {
    expect(
      readEveryWay('id: good\nretry: 10\n\nid: a\0b\nretry: -5\n\nid: 語\nretry: 1e3\n\nid: a\u0001\n\n'),
    ).toMatchObject({
      id: 'good',
      retryMs: 10,
    });
  });

  it('takes an empty id for the end of resumption, as the standard says', () => {
    expect(readEveryWay('id: 1\n\nid\n\n').id).toBe('');
  });

  it('drops an event whose blank line never came, and one whose data is empty', () => {
    expect(readEveryWay('data:\n\nevent: x\n\ndata: half\n').events).toEqual([]);
  });

  it('ignores fields that it does not know, with and without a colon, and names that merely begin alike', () => {
    expect(readEveryWay('datum: 1\ndata2: 1\ndat: 1\nretryx: 1\nnonsense\n:\ndata: kept\n\n')).toMatchObject({
      events: [['message', 'kept']],
      retryMs: null,
    });
  });

  it('accepts data of exactly the cap and refuses one byte more, once, and whatever follows', () => {
    const cap = 64;
    const line = (length: number): Buffer => Buffer.from(`data:${'x'.repeat(length - 5)}\n\n`);
    expect(read([line(cap)], cap)).toMatchObject({
      events: [['message', 'x'.repeat(cap - 5)]],
      oversized: 0,
      ended: 1,
    });
    expect(read([line(cap + 1), line(10)], cap)).toMatchObject({ events: [], oversized: 1, ended: 0 });
  });

  it('refuses an event that is many small lines, and a line that never ends, at the cap', () => {
    const many = Array.from({ length: 40 }, () => Buffer.from('data: x\n'));
    expect(read([...many, Buffer.from('\n')], 64)).toMatchObject({ events: [], oversized: 1 });
    expect(
      read(
        Array.from({ length: 40 }, () => Buffer.from('yyyy')),
        64,
      ),
    ).toMatchObject({ oversized: 1 });
  });

  it('does not count comments and other events towards the cap', () => {
    const keepAlive = Array.from({ length: 100 }, () => Buffer.from(': keep-alive\n\ndata: x\n\n'));
    expect(read(keepAlive, 64)).toMatchObject({ oversized: 0 });
  });

  it('reads a megabyte of one-character lines without looking at any byte again and again', () => {
    for (const unit of ['a\n', 'a\r', '\n', '\r', 'data\n', ':\n']) {
      const chunk = Buffer.from(unit.repeat(1_000_000 / unit.length));
      const started = performance.now();
      read([chunk], 16 * 1024 * 1024);
      // Quadratic work would take minutes.
      expect(performance.now() - started).toBeLessThan(10_000);
    }
  });
});
