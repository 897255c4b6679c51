import fc from 'fast-check';

/** What decoders stumble over: no UTF-8 at all, halves and overlong forms of characters, a surrogate, a byte order mark, NUL. */
const wrongBytes = [
  [0xff],
  [0xfe, 0xff],
  [0x80],
  [0xc3],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x90],
  [0xc0, 0xaf],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xef, 0xbb, 0xbf],
  [0x00],
  [0x0a],
  [0x0d],
  [0x0d, 0x0a],
  [0x7b],
  [0x22],
].map((bytes) => Buffer.from(bytes));

const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.nat({ max: 4 }),
  added: fc.oneof(fc.constant(Buffer.alloc(0)), fc.constantFrom(...wrongBytes)),
});

/** The bytes with a few of them taken out or wrong ones put in, more often none. */
export function damaged(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const edits = fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(edit, { maxLength: 3 }) },
  );
  return fc.tuple(bytes, edits).map(([original, list]) => {
    let result = original;
    for (const { at, removed, added } of list) {
      const start = Math.floor(at * result.length);
      result = Buffer.concat([result.subarray(0, start), added, result.subarray(start + removed)]);
    }
    return result;
  });
}

/** Where to cut something into pieces, as shares of its length; the same place twice makes an empty piece. */
export const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

/** The pieces of `bytes`, each a buffer of its own. */
export function cutAt(bytes: Buffer, shares: readonly number[]): Buffer[] {
  const places = shares.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b);
  return [0, ...places].map((start, index) => Buffer.from(bytes.subarray(start, places[index] ?? bytes.length)));
}

/** The bytes one by one. */
export function singly(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (byte) => Buffer.from([byte]));
}
