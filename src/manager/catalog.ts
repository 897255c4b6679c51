import type { ListedTool } from '../link/tool-hash.ts';

/** The tools of one server, as it last listed them. */
export interface Catalog {
  readonly tools: readonly ListedTool[];
  /** False until the server has listed its tools for the first time, and when it refuses to. */
  readonly known: boolean;
  /** True when the server offers more than is listed here: more than 2 000 tools or 64 pages. */
  readonly truncated: boolean;
  /** True while there is no connection: the list is the last one known. */
  readonly stale: boolean;
  /** The generation that listed it; 0 when none has. */
  readonly generation: number;
}

export const unknownCatalog: Catalog = Object.freeze({
  tools: Object.freeze([]),
  known: false,
  truncated: false,
  stale: true,
  generation: 0,
});

/** The names of what differs between two lists of tools, compared by hash. */
export function catalogDifference(
  before: readonly ListedTool[],
  after: readonly ListedTool[],
): { readonly added: readonly string[]; readonly removed: readonly string[]; readonly changed: readonly string[] } {
  if (before.length === 0) return { added: after.map(({ tool }) => tool.name), removed: [], changed: [] };
  const old = new Map(before.map((listed) => [listed.tool.name, listed.hash]));
  const added: string[] = [];
  const changed: string[] = [];
  for (const { tool, hash } of after) {
    const known = old.get(tool.name);
    if (known === undefined) added.push(tool.name);
    else if (known !== hash) changed.push(tool.name);
    old.delete(tool.name);
  }
  return { added, removed: [...old.keys()], changed };
}

const indexes = new WeakMap<Catalog, ReadonlyMap<string, ListedTool>>();

/** The tool of that name; the index is made when it is first asked for. */
export function listedTool(catalog: Catalog, name: string): ListedTool | undefined {
  let index = indexes.get(catalog);
  if (index === undefined) {
    index = new Map(catalog.tools.map((listed) => [listed.tool.name, listed]));
    indexes.set(catalog, index);
  }
  return index.get(name);
}
