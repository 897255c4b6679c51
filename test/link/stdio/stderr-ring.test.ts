import { describe, expect, test } from 'vitest';
import { StderrRing } from '../../../src/link/stdio/stderr-ring.ts';

describe('a stderr ring', () => {
  test('delivers whole lines without their line ends, across chunks, and skips blank ones', () => {
    const lines: string[] = [];
    const ring = new StderrRing({ onLine: (line) => lines.push(line) });
    for (const chunk of ['first\nsec', 'ond\r\n\n  \nthi', 'rd \u001B[31mred\u001B[0m\nlast'])
      ring.push(Buffer.from(chunk));
    expect(lines).toEqual(['first', 'second', 'third \u001B[31mred\u001B[0m']);
    ring.end();
    ring.end();
    expect(lines.slice(3)).toEqual(['last']);
  });

  test('joins a character that was cut in two', () => {
    const lines: string[] = [];
    const ring = new StderrRing({ onLine: (line) => lines.push(line) });
    for (const byte of Buffer.from('žába\n')) ring.push(Buffer.from([byte]));
    expect(lines).toEqual(['žába']);
    expect(ring.tail()).toBe('žába');
  });

  test('cuts a line that is too long and drops its rest', () => {
    const lines: string[] = [];
    const ring = new StderrRing({ maxLineBytes: 5, onLine: (line) => lines.push(line) });
    ring.push(Buffer.from('abc'));
    ring.push(Buffer.from('defgh'));
    ring.push(Buffer.from('ijk\nnext\n'));
    expect(lines).toEqual(['abcde', 'next']);
  });

  test('gives the last lines, by default twenty', () => {
    const ring = new StderrRing();
    expect(ring.tail()).toBe('');
    for (let n = 1; n <= 30; n += 1) ring.push(Buffer.from(`line ${n}\n`));
    expect(ring.tail(2)).toBe('line 29\nline 30');
    expect(ring.tail().split('\n')).toHaveLength(20);
  });

  test('keeps no more than its bound and begins with a whole line', () => {
    const ring = new StderrRing({ maxBytes: 20 });
    for (const word of ['alpha\n', 'bravo\n', 'charlie\n', 'delta\n']) ring.push(Buffer.from(word));
    expect(ring.tail()).toBe('charlie\ndelta');
    ring.push(Buffer.from(`${'z'.repeat(100)}\nend\n`));
    expect(ring.tail()).toBe('end');
  });

  test('keeps the end of one endless line', () => {
    const ring = new StderrRing({ maxBytes: 10 });
    ring.push(Buffer.from('0123456789abcdef'));
    expect(ring.tail()).toBe('6789abcdef');
  });
});
