import fc from 'fast-check';
import { expect, it } from 'vitest';
import { serverIdFault } from '../../src/config/server-id.ts';
import { catalogName, readCatalogName } from '../../src/manager/catalog-names.ts';

/** What is easily confused: separators, hashes, what sanitising makes equal, halves of surrogate pairs, and what is too long. */
const piece = fc.constantFrom(
  'a',
  'b',
  '_',
  '__',
  '-',
  ' ',
  '/',
  '.',
  'é',
  'e\u0301',
  '日',
  '\ud800',
  '\ud801',
  '\udc00',
  '😀',
  '\0',
  '\n',
  '0123456789abcdef',
  '_0123456789abcdef',
  'x'.repeat(20),
  'x'.repeat(60),
);
const nasty = fc.oneof(
  { weight: 4, arbitrary: fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 70 }) },
  { weight: 1, arbitrary: fc.stringMatching(/^[A-Za-z0-9_-]{1,30}$/) },
);
const pair = fc.tuple(
  nasty.map((id) => id.slice(0, 64)).filter((id) => serverIdFault(id) === undefined),
  nasty,
);

it('every name is one that model providers take', () => {
  fc.assert(
    fc.property(pair, ([owner, tool]) => {
      expect(catalogName(owner, tool)).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    }),
    { numRuns: 3_000 },
  );
});

it('no two tools of any two owners have the same name', () => {
  fc.assert(
    fc.property(fc.array(pair, { minLength: 2, maxLength: 60 }), (pairs) => {
      const distinct = new Map(pairs.map(([owner, tool]) => [JSON.stringify([owner, tool]), catalogName(owner, tool)]));
      expect(new Set(distinct.values()).size).toBe(distinct.size);
    }),
    { numRuns: 1_000 },
  );
});

it('a tool named after the catalog name of another one does not get its name', () => {
  fc.assert(
    fc.property(pair, pair, ([owner, tool], [other, otherTool]) => {
      const name = catalogName(owner, tool);
      const copies = [name, name.slice(owner.length), name.slice(owner.length + 2), otherTool];
      for (const copy of copies) {
        if (other === owner && copy === tool) continue;
        expect(catalogName(other, copy)).not.toBe(name);
      }
    }),
    { numRuns: 3_000 },
  );
});

it('what can be read from a name is what it was made of', () => {
  fc.assert(
    fc.property(pair, ([owner, tool]) => {
      const read = readCatalogName(catalogName(owner, tool));
      expect(read === undefined || (read.ownerId === owner && read.tool === tool)).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

it('what is read from any text makes that text again', () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const read = readCatalogName(text);
      expect(read === undefined ? text : catalogName(read.ownerId, read.tool)).toBe(text);
    }),
    { numRuns: 3_000 },
  );
});
