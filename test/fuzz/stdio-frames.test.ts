import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameReader } from '../../src/link/stdio/frame-reader.ts';
import { cutAt, cuts, damaged, singly } from './bytes.ts';
import { fuzz } from './fuzz.ts';
import { flat, valueText } from './json-text.ts';
import { FIRST_ID, messageText } from './rpc-text.ts';

interface Read {
  readonly frames: string[];
  noise: number;
  oversized: number;
}

function read(pieces: readonly Buffer[], maxFrameBytes: number): Read {
  const found: Read = { frames: [], noise: 0, oversized: 0 };
  let reported = 0;
  let mostHeld = 0;
  const reader = new FrameReader({
    maxFrameBytes,
    onFrame: (message) => found.frames.push(flat(message)),
    onNoise: (fault) => {
      reported += 1;
      expect([fault.kind, fault.message.length < 1_500]).toEqual(['protocol', true]);
    },
    onOversize: () => (found.oversized += 1),
  });
  for (const piece of pieces) {
    reader.push(piece);
    mostHeld = Math.max(mostHeld, reader.partialBytes);
    // What it was given is its owner's again.
    piece.fill(0x7b);
  }
  reader.end();
  reader.push(Buffer.from('{"late":true}\n'));
  found.noise = reader.noiseCount;
  expect(reported).toBe(Math.min(5, found.noise));
  expect(mostHeld).toBeLessThanOrEqual(maxFrameBytes);
  return found;
}

/** The same by the plainest means: all of it at once, line by line. */
function expected(bytes: Buffer, maxFrameBytes: number): Read {
  const found: Read = { frames: [], noise: 0, oversized: 0 };
  const lines = bytes.toString('latin1').split('\n');
  for (const [index, latin1] of lines.entries()) {
    if (latin1.length > maxFrameBytes) {
      found.oversized = 1;
      return found;
    }
    const line = Buffer.from(latin1, 'latin1').toString('utf8');
    const value = line.includes('{') ? parsed(line) : undefined;
    const isLast = index === lines.length - 1;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) found.frames.push(flat(value));
    else if (!isLast && !/^[ \t\r]*$/.test(line)) found.noise += 1;
  }
  return found;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const line = fc.oneof(
  { weight: 6, arbitrary: messageText([FIRST_ID]) },
  { weight: 2, arbitrary: valueText },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      ' ',
      '\t\r',
      'Listening on 3000',
      '{',
      '{}',
      '  {"a":1}  ',
      '[{}]',
      '\u00a0{}',
      '\uFEFF{}',
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);
const stream = damaged(
  fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\n\n', '\r', '')), { maxLength: 8 })
    .map((lines) => Buffer.from(lines.flat().join(''))),
);
const maxFrameBytes = fc.constantFrom(8, 64, 200, 1_000_000);

it('a stream of lines is read the same however it is cut, within its cap, and each line by itself', async () => {
  await fuzz('pure', fc.record({ stream, cuts, maxFrameBytes }), (input) => {
    const whole = expected(input.stream, input.maxFrameBytes);
    expect(read(cutAt(input.stream, input.cuts), input.maxFrameBytes)).toEqual(whole);
    const small = input.stream.length < 2_000 ? singly(input.stream) : cutAt(input.stream, [0.5]);
    expect(read(small, input.maxFrameBytes)).toEqual(whole);
  });
});

it('raw bytes are read the same however they are cut, and never throw', async () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each));
  await fuzz('pure', fc.record({ bytes, cuts, maxFrameBytes }), (input) => {
    expect(read(cutAt(input.bytes, input.cuts), input.maxFrameBytes)).toEqual(
      expected(input.bytes, input.maxFrameBytes),
    );
  });
});
