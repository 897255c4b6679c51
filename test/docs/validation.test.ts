import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { assertionOf } from '../../src/validation/simple-assertions.ts';
import type { UncheckedReason } from '../../src/validation/validator.ts';
import { rowsUnder } from './doc-tables.ts';

const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'validation.md'), 'utf8');

const reasons = {
  'too-costly': 0,
  quarantined: 0,
  'bad-schema': 0,
  'too-large': 0,
  unavailable: 0,
} satisfies Record<UncheckedReason, 0>;

it('every reason for which a result is not checked is in the table', () => {
  expect(rowsUnder(text, 'reason').map(([reason]) => reason)).toEqual(Object.keys(reasons));
});

it('the keywords in the table are those of simple schemas', () => {
  const named = rowsUnder(text, 'keyword').flatMap(([keywords = '']) => keywords.split(', '));
  const others = [
    'pattern',
    'patternProperties',
    'propertyNames',
    'multipleOf',
    'uniqueItems',
    'contains',
    'prefixItems',
  ];
  expect(named.filter((keyword) => assertionOf(keyword) === undefined)).toEqual(['$schema']);
  expect(others.filter((keyword) => assertionOf(keyword) !== undefined)).toEqual([]);
});
