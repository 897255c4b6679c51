import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventStreamParser } from '../../src/link/http/event-stream-parser.ts';
import { cutAt, cuts, damaged, singly } from './bytes.ts';
import { eventStream } from './event-stream-text.ts';
import { readByStandard } from './event-stream-reading.ts';
import type { StreamReading } from './event-stream-reading.ts';
import { fuzz } from './fuzz.ts';

interface Read extends StreamReading {
  readonly isOversized: boolean;
}

function read(pieces: readonly Buffer[], maxEventBytes: number): Read {
  const events: StreamReading['events'][number][] = [];
  const ends: string[] = [];
  const parser = new EventStreamParser(maxEventBytes, {
    onEvent: (type, data) => events.push([type, data]),
    onOversize: () => ends.push('oversized'),
    onEnd: () => ends.push('ended'),
  });
  for (const piece of pieces) {
    parser.push(piece);
    // What it was given is its owner's again.
    piece.fill(0x0a);
  }
  parser.end();
  parser.push(Buffer.from('data: late\n\n'));
  expect(ends).toHaveLength(1);
  return { events, id: parser.lastEventId, retryMs: parser.retryMs, isOversized: ends[0] === 'oversized' };
}

function expected(bytes: Buffer): Read {
  return { ...readByStandard(bytes), isOversized: false };
}

const noCap = 16 * 1024 * 1024;

it('an event stream says what the standard says that it says, however it is cut', async () => {
  await fuzz('pure', fc.record({ stream: damaged(eventStream), cuts }), (input) => {
    const whole = expected(input.stream);
    expect(read([Buffer.from(input.stream)], noCap)).toEqual(whole);
    expect(read(cutAt(input.stream, input.cuts), noCap)).toEqual(whole);
    expect(read(singly(input.stream), noCap)).toEqual(whole);
  });
});

it('raw bytes say the same however they are cut at any two places', async () => {
  const raw = fc
    .array(fc.oneof(fc.constantFrom(0x0a, 0x0d, 0x3a, 0x20, 0x64), fc.nat({ max: 255 })), { maxLength: 60 })
    .map((bytes) => Buffer.from(bytes));
  await fuzz('pure', raw, (bytes) => {
    const whole = expected(bytes);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(read([Buffer.from(bytes.subarray(0, cut)), Buffer.from(bytes.subarray(cut))], noCap)).toEqual(whole);
    }
  });
});

it('under a cap no event is larger than it, and where the stream is refused does not depend on the cuts', async () => {
  const maxEventBytes = fc.constantFrom(1, 6, 16, 40, 100);
  await fuzz('pure', fc.record({ stream: damaged(eventStream), cuts, maxEventBytes }), (input) => {
    const whole = read([Buffer.from(input.stream)], input.maxEventBytes);
    expect(read(cutAt(input.stream, input.cuts), input.maxEventBytes)).toEqual(whole);
    expect(read(singly(input.stream), input.maxEventBytes)).toEqual(whole);
    // What is no UTF-8 comes out as a character of three bytes.
    for (const [, data] of whole.events) expect(data.length).toBeLessThanOrEqual(input.maxEventBytes);
    const uncapped = readByStandard(input.stream).events;
    expect(whole.events).toEqual(whole.isOversized ? uncapped.slice(0, whole.events.length) : uncapped);
  });
});
