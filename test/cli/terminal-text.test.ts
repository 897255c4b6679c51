import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutTo, inColumn, onOneLine, shownId, widthOf } from '../../src/cli/terminal-text.ts';

describe('onOneLine', () => {
  it.each([
    ['colours and cursor movements', 'a\u001b[1;31mb\u001b[2Jc\u001b[H', 'abc'],
    ['the title and links of a terminal', 'a\u001b]0;evil\u0007b\u001b]8;;http://x\u001b\\c', 'abc'],
    ['8-bit control sequences', 'a\u009b31mb', 'ab'],
    ['line ends and tabs', 'a\r\nb\tc\u2028d', 'a b c d'],
    ['a lone escape', 'a\u001b', 'a '],
    ['bidi overrides and isolates', 'a\u202eb\u2066c\u200fd', 'abcd'],
    ['zero width, soft hyphens, fillers and tags', 'a\u200bb\u00adc\u3164d\u{e0041}e\ufefff', 'abcdef'],
    ['lone surrogates', 'a\ud800b', 'ab'],
    ['piles of marks', `a${'\u0301'.repeat(50)}b`, 'a\u0301\u0301b'],
  ])('removes %s', (_, text, shown) => {
    expect(onOneLine(text)).toBe(shown);
  });

  it('leaves text in any script as it is', () => {
    const text = 'naïve 寿司 Привет שלום 🍣';
    expect(onOneLine(text)).toBe(text);
  });

  it('leaves nothing that could steer a terminal, whatever it is given', () => {
    const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
    const codePoint = fc.oneof(fc.integer({ min: 0, max: 0x9f }), fc.integer({ min: 0, max: 0x10_ffff }));
    const unit = codePoint.map((code) => String.fromCodePoint(code));
    fc.assert(fc.property(fc.string({ unit }), (text) => !steering.test(onOneLine(text))));
  });
});

it('ids that differ are shown differently', () => {
  const ids = ['a', 'a\u200b', 'a\u202e', 'a\u2028', 'b'];
  expect(ids.map(shownId)).toEqual(['a', 'a\\u{200b}', 'a\\u{202e}', 'a\\u{2028}', 'b']);
});

it('knows the width of letters, wide letters, emoji and marks', () => {
  expect(['abc', 'é', 'e\u0301', '寿司', '한글', 'ｆ', '🍣', '–…'].map(widthOf)).toEqual([3, 1, 1, 4, 4, 2, 2, 2]);
});

it('cuts to a width and says so', () => {
  expect([0, 1, 2, 3, 4].map((width) => cutTo(width, 'abcd'))).toEqual(['', '…', 'a…', 'ab…', 'abcd']);
  expect([1, 2, 3, 4].map((width) => cutTo(width, '寿司'))).toEqual(['…', '…', '寿…', '寿司']);
});

it('fills to a width on either side', () => {
  expect(inColumn(4, 'left', 'ab')).toBe('ab  ');
  expect(inColumn(4, 'right', 'ab')).toBe('  ab');
  expect(inColumn(4, 'right', '寿司屋')).toBe(' 寿…');
});

it('a column is exactly as wide as asked for, whatever stands in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 40 }), (text, width) => {
      expect(widthOf(inColumn(width, 'left', onOneLine(text)))).toBe(width);
    }),
  );
});
