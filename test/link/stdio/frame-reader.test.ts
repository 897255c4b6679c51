import { describe, expect, test } from 'vitest';
import type { Fault } from '../../../src/link/fault.ts';
import { FrameReader } from '../../../src/link/stdio/frame-reader.ts';
import type { JsonRpcMessage } from '../../../src/link/stdio/frame-reader.ts';

function reading(maxFrameBytes = 1024) {
  const frames: JsonRpcMessage[] = [];
  const noise: Fault[] = [];
  const oversize: Fault[] = [];
  const reader = new FrameReader({
    maxFrameBytes,
    onFrame: (message) => frames.push(message),
    onNoise: (fault) => noise.push(fault),
    onOversize: (fault) => oversize.push(fault),
  });
  return { reader, frames, noise, oversize };
}

describe('a frame reader', () => {
  test('cuts one chunk into its messages', () => {
    const { reader, frames, noise } = reading();
    reader.push(Buffer.from('{"id":1}\n{"id":2}\n{"id":3}\n'));
    expect(frames).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(noise).toEqual([]);
    expect(reader.partialBytes).toBe(0);
  });

  test('joins messages that come byte by byte, in the middle of characters too', () => {
    const { reader, frames, noise } = reading();
    for (const byte of Buffer.from('{"text":"žluťoučký 🐎"}\n{"id":2}\n')) reader.push(Buffer.from([byte]));
    expect(frames).toEqual([{ text: 'žluťoučký 🐎' }, { id: 2 }]);
    expect(noise).toEqual([]);
  });

  test('a message that spans chunks keeps its own bytes when a handler pushes more from within', () => {
    const frames: JsonRpcMessage[] = [];
    const reader = new FrameReader({
      maxFrameBytes: 1024,
      onFrame: (message) => {
        frames.push(message);
        if (frames.length === 1) reader.push(Buffer.from('{"id":"inner'));
      },
      onNoise: () => {},
      onOversize: () => {},
    });
    reader.push(Buffer.from('{"id":"out'));
    reader.push(Buffer.from('er"}\n'));
    reader.push(Buffer.from('"}\n'));
    expect(frames).toEqual([{ id: 'outer' }, { id: 'inner' }]);
  });

  test('takes CRLF for a line end and passes over blank lines', () => {
    const { reader, frames, noise } = reading();
    reader.push(Buffer.from('{"id":1}\r\n\r\n  \n\n{"id":2}\r\n'));
    expect(frames).toEqual([{ id: 1 }, { id: 2 }]);
    expect(noise).toEqual([]);
  });

  test('reports the first five lines that hold no message, counts the rest, and reads on', () => {
    const { reader, frames, noise } = reading();
    const banners = ['Welcome!', '[1,2]', 'null', '42', '{"half":', '{not json}', '"text"', '\u0000\u0001'];
    reader.push(Buffer.from(`${banners.join('\n')}\n{"id":1}\n`));
    expect(frames).toEqual([{ id: 1 }]);
    expect(reader.noiseCount).toBe(8);
    expect(noise.map(({ kind, code }) => `${kind} ${code}`)).toEqual(Array(5).fill('protocol not-a-message'));
    expect(noise[0]?.message).toBe(
      'The server wrote a line to stdout that is no JSON-RPC message, 8 bytes: "Welcome!". It was ignored; logs belong on stderr.',
    );
    expect(noise[4]?.message).toContain('Further lines of this kind are counted and not reported.');
  });

  test('quotes at most the beginning of a long line that holds no message', () => {
    const { reader, noise } = reading(100_000);
    reader.push(Buffer.from(`${'x'.repeat(90_000)}\n`));
    expect(noise[0]?.message).toContain('90000 bytes');
    expect(noise[0]?.message.length).toBeLessThan(400);
  });

  test('bytes that are no UTF-8 are noise and not an exception', () => {
    const { reader, frames, noise } = reading();
    reader.push(Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0x0a]));
    reader.push(Buffer.from('{"id":1}\n'));
    expect(noise).toHaveLength(1);
    expect(frames).toEqual([{ id: 1 }]);
  });

  test('a line of exactly the limit passes, one byte more ends the reader', () => {
    const line = '{"id":"12345678"}';
    const exact = reading(line.length);
    exact.reader.push(Buffer.from(`${line}\n`));
    expect(exact.frames).toEqual([{ id: '12345678' }]);
    expect(exact.oversize).toEqual([]);

    const over = reading(line.length - 1);
    over.reader.push(Buffer.from(`{"id":1}\n${line}\n{"id":2}\n`));
    over.reader.push(Buffer.from('{"id":3}\n'));
    over.reader.end();
    expect(over.frames).toEqual([{ id: 1 }]);
    expect(over.oversize).toEqual([
      {
        kind: 'protocol',
        code: 'frame-too-large',
        message: 'The server sent a message of more than 16 bytes. Have the server send less at a time.',
      },
    ]);
  });

  test('refuses a line that never ends as soon as it exceeds the limit', () => {
    const { reader, oversize } = reading(100);
    for (let n = 0; n < 10; n += 1) reader.push(Buffer.alloc(10, 'x'));
    expect(oversize).toHaveLength(0);
    expect(reader.partialBytes).toBe(100);
    reader.push(Buffer.from('x'));
    reader.push(Buffer.from('x'));
    expect(oversize).toHaveLength(1);
    expect(reader.partialBytes).toBe(0);
  });

  test('at the end, a whole message without its newline counts and half of one does not', () => {
    const whole = reading();
    whole.reader.push(Buffer.from('{"id":1}'));
    whole.reader.end();
    whole.reader.end();
    expect(whole.frames).toEqual([{ id: 1 }]);

    const half = reading();
    half.reader.push(Buffer.from('{"id":1'));
    half.reader.end();
    expect(half.frames).toEqual([]);
    expect(half.noise).toEqual([]);
  });

  // Rescanning the line for each chunk would take minutes: the time limit of the test is what fails then.
  test('reads a line of 100 MB in chunks of 4 kB', { timeout: 30_000 }, () => {
    const { reader, frames } = reading(200 * 1024 * 1024);
    const chunk = Buffer.alloc(4096, 'x');
    reader.push(Buffer.from('{"text":"'));
    for (let bytes = 0; bytes < 100 * 1024 * 1024; bytes += chunk.length) reader.push(chunk);
    reader.push(Buffer.from('"}\n'));
    expect(String(frames[0]?.['text']).length).toBe(100 * 1024 * 1024);
  });
});
