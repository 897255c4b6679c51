import { isDeepStrictEqual } from 'node:util';
import type { ListedTool } from '../link/tool-hash.ts';

/** The tools of one server, as it last listed them. */
export interface Catalog {
  /** The same list until one of its tools changes. */
  readonly tools: readonly ListedTool[];
  /** False until the server has listed its tools for the first time. */
  readonly known: boolean;
  /** True when the server offers more than is listed here: more than 2 000 tools or 64 pages, or a page that it refused. */
  readonly truncated: boolean;
  /** True while there is no connection, and after a list that failed: the tools are the last ones known. */
  readonly stale: boolean;
  /** The generation that listed it; 0 when none has. */
  readonly generation: number;
  /** Names of the tools that are refused since they changed; see `toolChanges`. Empty unless that is `block`. */
  readonly blocked: readonly string[];
}

export const unknownCatalog: Catalog = Object.freeze({
  tools: Object.freeze([]),
  known: false,
  truncated: false,
  stale: true,
  generation: 0,
  blocked: Object.freeze([]),
});

/** What differs between two lists of tools. */
export interface CatalogDifference {
  readonly added: readonly ListedTool[];
  readonly removed: readonly ListedTool[];
  readonly changed: readonly { readonly before: ListedTool; readonly after: ListedTool }[];
}

/** Compares by hash. Tools that are the same object are not hashed. */
export function catalogDifference(before: readonly ListedTool[], after: readonly ListedTool[]): CatalogDifference {
  const old = new Map(indexOf(before));
  const added: ListedTool[] = [];
  const changed: { readonly before: ListedTool; readonly after: ListedTool }[] = [];
  for (const listed of after) {
    const known = old.get(listed.tool.name);
    if (known === undefined) added.push(listed);
    else if (known !== listed && known.hash !== listed.hash) changed.push({ before: known, after: listed });
    old.delete(listed.tool.name);
  }
  return { added, removed: [...old.values()], changed };
}

/** The list `after` with the tools of `before` that are still the same; `before` itself when nothing differs. Nothing is hashed. */
export function withKnownTools(before: readonly ListedTool[], after: readonly ListedTool[]): readonly ListedTool[] {
  let byName: ReadonlyMap<string, ListedTool> | undefined;
  const tools = after.map((listed, index) => {
    let known = before[index];
    if (known?.tool.name !== listed.tool.name) {
      byName ??= indexOf(before);
      known = byName.get(listed.tool.name);
    }
    return known !== undefined && isDeepStrictEqual(known.tool, listed.tool) ? known : listed;
  });
  const isSame = tools.length === before.length && tools.every((listed, index) => listed === before[index]);
  return isSame ? before : Object.freeze(tools);
}

const indexes = new WeakMap<readonly ListedTool[], ReadonlyMap<string, ListedTool>>();

/** The tool of that name; the index is made when it is first asked for. */
export function listedTool({ tools }: Catalog, name: string): ListedTool | undefined {
  let index = indexes.get(tools);
  if (index === undefined) {
    index = indexOf(tools);
    indexes.set(tools, index);
  }
  return index.get(name);
}

function indexOf(tools: readonly ListedTool[]): ReadonlyMap<string, ListedTool> {
  return new Map(tools.map((listed) => [listed.tool.name, listed]));
}
