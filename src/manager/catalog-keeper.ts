import type { Observable } from 'rxjs';
import { nearestName } from '../config/nearest-name.ts';
import type { Clock } from '../actors/ports.ts';
import { unknownCatalog, type Catalog } from './catalog.ts';
import { readCatalogName } from './catalog-names.ts';
import type { GroupRecord } from './group-record.ts';
import {
  catalogPart,
  findTool,
  mergedCatalog,
  type CatalogPart,
  type ManagerCatalog,
  type ToolOwner,
} from './manager-catalog.ts';
import { conflatedValues } from './observing.ts';
import type { SessionRecord } from './session-record.ts';

const everyMs = 50;

/** A misspelt name is compared with so many at most: a catalog may have very many, and a model misspells often. */
const mostCompared = 500;

/** The parts of one owner: while somebody is connected, and while nobody is. Each is made when it is first needed. */
interface Kept {
  readonly catalog: Catalog;
  fresh: CatalogPart | undefined;
  stale: CatalogPart | undefined;
}

/**
 * The catalog of a manager. It is made anew when it is asked for after a change, and then only the part of each server or group whose
 * tools have changed; a connection that comes and goes changes between two parts that are there already.
 */
export class CatalogKeeper {
  /** The present catalog first, then at most one per 50 ms. Completes with the manager; never errors. */
  readonly catalog$: Observable<ManagerCatalog>;
  readonly #records: ReadonlyMap<string, SessionRecord>;
  readonly #groups: ReadonlyMap<string, GroupRecord>;
  readonly #listeners = new Set<() => void>();
  #kept = new Map<string, Kept>();
  #parts: ReadonlyMap<string, CatalogPart> = new Map();
  #catalog = mergedCatalog([]);
  #isCurrent = true;
  #over = false;

  constructor(records: ReadonlyMap<string, SessionRecord>, groups: ReadonlyMap<string, GroupRecord>, clock: Clock) {
    this.#records = records;
    this.#groups = groups;
    this.catalog$ = conflatedValues(
      {
        read: () => this.catalog,
        onChange: (listener) => {
          this.#listeners.add(listener);
          return () => {
            this.#listeners.delete(listener);
          };
        },
        isOver: () => this.#over,
      },
      clock,
      everyMs,
    );
  }

  get catalog(): ManagerCatalog {
    this.#refresh();
    return this.#catalog;
  }

  /** Who offers the tool of that name, blocked or not; undefined when nobody does. */
  find(name: string): { readonly id: string; readonly isGroup: boolean; readonly tool: string } | undefined {
    this.#refresh();
    const found = findTool(this.#parts, name);
    return found && { id: found.part.id, isGroup: found.part.isGroup, tool: found.tool };
  }

  /** Names of the catalog that may have been meant by one that it does not have, the likeliest first, three at most. */
  near(name: string): readonly string[] {
    const { tools } = this.catalog;
    const read = readCatalogName(name);
    const ofOwner = read === undefined ? undefined : this.#parts.get(read.ownerId)?.tools;
    const names = (ofOwner ?? tools).slice(0, mostCompared).map((each) => each.name);
    const nearest = nearestName(name, names);
    // Models tend to leave the owner out, and members of a group are behind it.
    const wanted = read?.tool ?? name;
    const sameTool = tools.filter(({ tool }) => tool.name === wanted).map((each) => each.name);
    return [...new Set([...(nearest === undefined ? [] : [nearest]), ...sameTool])].slice(0, 3);
  }

  /** A server or group came or went, or its tools are no longer what they were. */
  changed(): void {
    this.#isCurrent = false;
    for (const listener of this.#listeners) listener();
  }

  /** Nothing changes any more. */
  close(): void {
    this.#over = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  #refresh(): void {
    if (this.#isCurrent) return;
    this.#isCurrent = true;
    const before = this.#kept;
    this.#kept = new Map();
    const parts = new Map<string, CatalogPart>();
    for (const owner of this.#owners()) {
      const kept = keptFor(owner, before.get(owner.id));
      this.#kept.set(owner.id, kept);
      parts.set(owner.id, owner.stale ? (kept.stale ??= catalogPart(owner)) : (kept.fresh ??= catalogPart(owner)));
    }
    const list = [...parts.values()];
    const last = [...this.#parts.values()];
    this.#parts = parts;
    const isSame = list.length === last.length && list.every((part, index) => part === last[index]);
    if (!isSame) this.#catalog = mergedCatalog(list);
  }

  *#owners(): Iterable<ToolOwner> {
    for (const { id, groups, catalog } of this.#records.values()) {
      if (groups.length === 0) yield { id, isGroup: false, catalog, stale: catalog.stale };
    }
    for (const group of this.#groups.values()) {
      const members = group.config.members.flatMap((id) => group.record(id) ?? []);
      if (members.length === 0) continue;
      const stale = members.every(({ catalog }) => catalog.stale);
      yield { id: group.id, isGroup: true, catalog: group.reference().catalog ?? unknownCatalog, stale };
    }
  }
}

/** What is kept of this owner, as long as its tools are the same. */
function keptFor({ catalog }: ToolOwner, kept: Kept | undefined): Kept {
  const isSame =
    kept !== undefined &&
    kept.catalog.tools === catalog.tools &&
    kept.catalog.blocked === catalog.blocked &&
    kept.catalog.known === catalog.known &&
    kept.catalog.truncated === catalog.truncated;
  return isSame ? kept : { catalog, fresh: undefined, stale: undefined };
}
