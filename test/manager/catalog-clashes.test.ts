import { expect, it } from 'vitest';
import { listTool } from '../../src/link/tool-hash.ts';
import { unknownCatalog } from '../../src/manager/catalog.ts';
import {
  catalogPart,
  findTool,
  mergedCatalog,
  type CatalogPart,
  type CatalogTool,
} from '../../src/manager/manager-catalog.ts';

// Two names with one hash cannot be had; so these parts are put together by hand.

const clash = 'a_b__x_0123456789abcdef';

function part(id: string, tools: Readonly<Record<string, string>>, blocked: readonly string[] = []): CatalogPart {
  const list = Object.entries(tools).map(([name, tool]): CatalogTool => {
    const listed = listTool({ name: tool, inputSchema: {} });
    if (listed === undefined) throw new Error('no tool');
    return { name, via: { server: id }, tool: listed.tool, hash: listed.hash, stale: false };
  });
  return {
    id,
    isGroup: false,
    catalog: { ...unknownCatalog, known: true },
    tools: list,
    blocked,
    hashed: new Map(Object.entries(tools)),
  };
}

const asMap = (...parts: readonly CatalogPart[]): ReadonlyMap<string, CatalogPart> =>
  new Map(parts.map((each) => [each.id, each]));

it('a name that two servers’ tools would have is left out with both, is named, and cannot be called', () => {
  const parts = [part('a b', { [clash]: 'x', other_0123456789abcdef: 'y' }), part('a+b', { [clash]: 'x' })];
  const catalog = mergedCatalog(parts);
  expect([catalog.tools.map(({ name }) => name), catalog.clashes]).toEqual([['other_0123456789abcdef'], [clash]]);
  expect(findTool(asMap(...parts), clash)).toBe(undefined);
  expect(findTool(asMap(...parts), 'other_0123456789abcdef')).toMatchObject({ part: { id: 'a b' }, tool: 'y' });
});

it('a name that two tools of one server would have is left out with both, is named, and cannot be called', () => {
  const made = { ...part('a b', { [clash]: 'x' }), hashed: new Map([[clash, null]]) };
  const catalog = mergedCatalog([made]);
  expect([catalog.tools, catalog.clashes]).toEqual([[], [clash]]);
  expect(findTool(asMap(made), clash)).toBe(undefined);
});

it('a blocked tool’s name that clashes is left out, too', () => {
  const parts = [part('a b', { [clash]: 'x' }), { ...part('a+b', {}, [clash]), hashed: new Map([[clash, 'x']]) }];
  expect(mergedCatalog(parts)).toMatchObject({ tools: [], blocked: [], clashes: [clash] });
});

it('names that can be read never clash, whatever the servers list', () => {
  const listed = ['x', 'b__x'].flatMap((name) => listTool({ name, inputSchema: {} }) ?? []);
  const parts = ['a', 'a__b', 'b'].map((id) =>
    catalogPart({ id, isGroup: false, catalog: { ...unknownCatalog, tools: listed, known: true }, stale: false }),
  );
  const catalog = mergedCatalog(parts);
  expect([catalog.tools.length, new Set(catalog.tools.map(({ name }) => name)).size, catalog.clashes]).toEqual([
    6,
    6,
    [],
  ]);
});
