import { describe, expect, it } from 'vitest';
import { catalogName, readCatalogName } from '../../src/manager/catalog-names.ts';

describe('a catalog name', () => {
  it.each([
    ['files', 'read_file', 'files__read_file'],
    ['a', 'b', 'a__b'],
    ['git-hub_2', 'list-issues', 'git-hub_2__list-issues'],
    ['_private', '_tool', '_private___tool'],
    ['a', '__b__', 'a____b__'],
    ['a', 'x'.repeat(61), `a__${'x'.repeat(61)}`],
  ])('of %j and %j is the two with "__" between them', (owner, tool, name) => {
    expect(catalogName(owner, tool)).toBe(name);
    expect(readCatalogName(name)).toEqual({ ownerId: owner, tool });
  });

  it.each([
    ['an id with "__"', 'a__b', 'c', 'a__b__c'],
    ['an id that ends in "_"', 'a_', 'b', 'a___b'],
    ['an id with other characters', 'my files', 'read', 'my_files__read'],
    ['an id of other characters alone', '日本', 'read', '___read'],
    ['a tool with other characters', 'a', 'fs/read', 'a__fs_read'],
    ['a tool without a name', 'a', '', 'a__'],
    ['a tool whose name looks like a hash', 'a', '0123456789abcdef', 'a__0123456789abcdef'],
    ['a tool whose name ends like a hash', 'a', 'x_0123456789abcdef', 'a__x_0123456789abcdef'],
  ])('of %s ends in a hash of both', (_what, owner, tool, words) => {
    const name = catalogName(owner, tool);
    expect(name.slice(0, -17)).toBe(words);
    expect(name.slice(-17)).toMatch(/^_[0-9a-f]{16}$/);
    expect(readCatalogName(name)).toBe(undefined);
  });

  it('of names that are too long has what fits of the tool, at least 20 characters of the id, and a hash', () => {
    const names = [
      catalogName('a', 't'.repeat(62)),
      catalogName('o'.repeat(64), 'read'),
      catalogName('o'.repeat(64), 't'.repeat(64)),
      catalogName('o'.repeat(30), 't'.repeat(33)),
    ];
    expect(names.map((name) => name.slice(0, -16))).toEqual([
      `a__${'t'.repeat(44)}_`,
      `${'o'.repeat(41)}__read_`,
      `${'o'.repeat(20)}__${'t'.repeat(25)}_`,
      `${'o'.repeat(20)}__${'t'.repeat(25)}_`,
    ]);
    expect(names.map(({ length }) => length)).toEqual([64, 64, 64, 64]);
  });

  it('of two tools is not the same where UTF-8 could not tell them apart', () => {
    expect(catalogName('a', '\ud800')).not.toBe(catalogName('a', '\ud801'));
    expect(catalogName('\udc00', 'a')).not.toBe(catalogName('\udc01', 'a'));
  });

  it('is the same in every release: these are what applications have stored', () => {
    expect([
      catalogName('my files', 'read'),
      catalogName('a_', 'b'),
      catalogName('a', '_b'),
      catalogName('日本', '読む'),
      catalogName('o'.repeat(64), 't'.repeat(200)),
    ]).toEqual([
      'my_files__read_a737cfd8f84a6598',
      'a___b_3322984657caf6fe',
      'a___b',
      '_____1dada5b304363c12',
      'oooooooooooooooooooo__ttttttttttttttttttttttttt_a0faa8517ee2302c',
    ]);
  });
});

describe('what is read from a catalog name', () => {
  it.each(['', 'read', 'a_b', '__b', 'a__', 'a b__c', 'a__b c', `a__${'x'.repeat(62)}`, 'a__b_0123456789abcdef'])(
    'is nothing where it is %j',
    (name) => {
      expect(readCatalogName(name)).toBe(undefined);
    },
  );
});
