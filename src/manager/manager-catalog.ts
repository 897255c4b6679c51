import type { ListedTool, Tool } from '../link/tool-hash.ts';
import { listedTool, type Catalog } from './catalog.ts';
import { catalogName, readCatalogName } from './catalog-names.ts';

/** A tool of any server or group, as an application hands it to a model. Frozen, and the same object until something of it changes. */
export interface CatalogTool {
  /** What `callTool` of the manager knows it by: 1 to 64 letters, digits, `_` and `-`; always the same for the same tool of the same server or group. */
  readonly name: string;
  /** Who offers it. The members of a group are behind the group. */
  readonly via: { readonly server: string } | { readonly group: string };
  /** The tool as the server describes it, under the name that the server knows it by. */
  readonly tool: Tool;
  /** Hash of its name, title, description, schemas and annotations. */
  readonly hash: string;
  /** True while nobody who offers it is connected, and after a list that failed: it is what was last known. */
  readonly stale: boolean;
}

/** The tools of all servers and groups of a manager. Frozen, and the same object until something changes. */
export interface ManagerCatalog {
  /** Servers in the order in which they were added, then groups; the tools of each in the server's own order. */
  readonly tools: readonly CatalogTool[];
  /** False while the tools of some server are unknown, or not all of them are listed. */
  readonly complete: boolean;
  /** Names of tools that are left out since they changed and are not accepted; see `toolChanges`. A call of one is refused. */
  readonly blocked: readonly string[];
  /** Names that would stand for two different tools. Both are left out, and neither can be called by that name. */
  readonly clashes: readonly string[];
}

/** Someone whose tools are in the catalog, and what is known of them. */
export interface ToolOwner {
  readonly id: string;
  readonly isGroup: boolean;
  readonly catalog: Catalog;
  /** Nobody who offers them is connected, or the last list failed. */
  readonly stale: boolean;
}

/** The part of the catalog that one owner has. It does not depend on any other. */
export interface CatalogPart {
  readonly id: string;
  readonly isGroup: boolean;
  readonly catalog: Catalog;
  readonly tools: readonly CatalogTool[];
  readonly blocked: readonly string[];
  /** Catalog names that nobody can read a tool's name from, and the tools that they stand for; null where that is more than one. */
  readonly hashed: ReadonlyMap<string, string | null>;
}

const noNames: readonly string[] = Object.freeze([]);
const nothingHashed: ReadonlyMap<string, string | null> = new Map();

export function catalogPart({ id, isGroup, catalog, stale }: ToolOwner): CatalogPart {
  const via = Object.freeze(isGroup ? { group: id } : { server: id });
  const refused = new Set(catalog.blocked);
  const tools: CatalogTool[] = [];
  const blocked: string[] = [];
  const hashed = new Map<string, string | null>();
  for (const listed of catalog.tools) {
    const { name: tool } = listed.tool;
    const name = catalogName(id, tool);
    if (readCatalogName(name) === undefined) hashed.set(name, hashed.has(name) ? null : tool);
    if (refused.has(tool)) blocked.push(name);
    else tools.push(catalogTool(name, via, listed, stale));
  }
  return {
    id,
    isGroup,
    catalog,
    tools,
    blocked: blocked.length === 0 ? noNames : blocked,
    hashed: hashed.size === 0 ? nothingHashed : hashed,
  };
}

/** The whole of these parts. */
export function mergedCatalog(parts: readonly CatalogPart[]): ManagerCatalog {
  const clashes = clashingNames(parts);
  const tools: CatalogTool[] = [];
  const blocked: string[] = [];
  for (const part of parts) {
    tools.push(...part.tools);
    blocked.push(...part.blocked);
  }
  return Object.freeze({
    tools: Object.freeze(clashes.size === 0 ? tools : tools.filter(({ name }) => !clashes.has(name))),
    complete: parts.every(({ catalog }) => catalog.known && !catalog.truncated),
    blocked: Object.freeze(blocked.filter((name) => !clashes.has(name))),
    clashes: Object.freeze([...clashes]),
  });
}

/** Who offers the tool of that catalog name, blocked or not, and under which name; undefined when nobody does, or more than one. */
export function findTool(
  parts: ReadonlyMap<string, CatalogPart>,
  name: string,
): { readonly part: CatalogPart; readonly tool: string } | undefined {
  const read = readCatalogName(name);
  if (read !== undefined) {
    const part = parts.get(read.ownerId);
    return part !== undefined && listedTool(part.catalog, read.tool) !== undefined
      ? { part, tool: read.tool }
      : undefined;
  }
  let found: { readonly part: CatalogPart; readonly tool: string } | undefined;
  for (const part of parts.values()) {
    const tool = part.hashed.get(name);
    if (tool === undefined) continue;
    if (tool === null || found !== undefined) return undefined;
    found = { part, tool };
  }
  return found;
}

/** Names that can be read are each of one tool; of the others two may be the same. */
function clashingNames(parts: readonly CatalogPart[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const clashes = new Set<string>();
  for (const { hashed } of parts) {
    for (const [name, tool] of hashed) {
      if (tool === null || seen.has(name)) clashes.add(name);
      seen.add(name);
    }
  }
  return clashes;
}

function catalogTool(name: string, via: CatalogTool['via'], listed: ListedTool, stale: boolean): CatalogTool {
  return Object.freeze({
    name,
    via,
    tool: listed.tool,
    // Made when it is asked for: most are not.
    get hash() {
      return listed.hash;
    },
    stale,
  });
}
