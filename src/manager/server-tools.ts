import { ToolChangedError } from '../errors/tool-errors.ts';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import type { ToolList } from '../actors/list-tools.ts';
import type { ListedTool } from '../link/tool-hash.ts';
import type { Phase } from '../machines/connection-state.ts';
import { catalogDifference, listedTool, unknownCatalog, withKnownTools, type Catalog } from './catalog.ts';
import type { SessionFact } from './manager-events.ts';
import { ToolTrust, type ToolChanges } from './tool-trust.ts';

/** Whose tools they are. */
export interface ToolsOwner {
  readonly id: string;
  /** The present generation. */
  readonly generation: number;
  readonly options: { readonly toolChanges: ToolChanges };
}

/** The tools of one server over all its connections: the last list of them, and which of them may be called. */
export class ServerTools {
  readonly #owner: ToolsOwner;
  #catalog = unknownCatalog;
  /** Made with the first list. */
  #trust: ToolTrust | undefined;
  /** The last list failed; the one before it stands. */
  #failed = false;

  constructor(owner: ToolsOwner) {
    this.#owner = owner;
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  /** The tool as the present generation has listed it; undefined when it has not, and after a list that failed. */
  listed(name: string): ListedTool | undefined {
    const isOfNow = this.#catalog.generation === this.#owner.generation && !this.#failed;
    return isOfNow ? listedTool(this.#catalog, name) : undefined;
  }

  /** Why a call of this tool is refused; undefined when it is not, and for what is no call of a tool. */
  refusal(name: string | undefined): ToolChangedError | undefined {
    const change = name === undefined ? undefined : this.#trust?.blocked.get(name);
    if (change === undefined) return undefined;
    const { id, generation } = this.#owner;
    return new ToolChangedError({ serverId: id, generation, ...change });
  }

  /**
   * A generation has listed its tools; null when that failed. Returns what is to be told of it.
   * A list that failed, at its first page or at a later one, leaves the one before it as it was, marked as stale.
   */
  note(generation: number, tools: ToolList): readonly SessionFact[] {
    const before = this.#catalog;
    if (generation < before.generation) return [];
    if (tools === null || (tools.end === 'refused' && before.known)) {
      this.#failed = true;
      if (!before.stale) this.#set({ ...before, stale: true });
      return [];
    }
    this.#failed = false;
    const list = withKnownTools(before.tools, tools.list);
    const difference = list === before.tools ? undefined : catalogDifference(before.tools, list);
    this.#trust ??= new ToolTrust(this.#owner.options.toolChanges);
    const changes = difference === undefined ? [] : this.#trust.review(difference, list);
    this.#set({
      tools: list,
      known: true,
      truncated: tools.end !== 'complete',
      stale: false,
      generation,
      blocked: this.#blockedNames(),
    });
    if (difference === undefined) return [];
    const { added, removed, changed } = difference;
    if (added.length + removed.length + changed.length === 0) return [];
    const told = {
      type: 'catalogChanged',
      added: added.map(({ tool }) => tool.name),
      removed: removed.map(({ tool }) => tool.name),
      changed: changed.map(({ after }) => after.tool.name),
    } as const;
    const { blocked } = this.#trust;
    return [
      told,
      ...changes.map((change) => ({ type: 'toolChanged', ...change, blocked: blocked.has(change.tool) }) as const),
    ];
  }

  /** The session has taken a step. True when that made the catalog another one. */
  observe(phase: Phase): boolean {
    const { known, stale, generation } = this.#catalog;
    const isJustListed = phase === 'connecting.hydrating' && generation === this.#owner.generation;
    const isStale = this.#failed || !(phase.startsWith('connected.') || isJustListed);
    if (!known || stale === isStale) return false;
    this.#set({ ...this.#catalog, stale: isStale });
    return true;
  }

  /** Lets a tool be called as it is listed now; `hash`: only if it is still this one. Throws `InvalidOptionError`. */
  accept(name: string, hash?: string): void {
    const listed = listedTool(this.#catalog, name);
    const { id } = this.#owner;
    if (listed === undefined) throw new InvalidOptionError('name', name, 'a tool that the server lists', id);
    if (hash !== undefined && hash !== listed.hash)
      throw new InvalidOptionError('hash', hash, `the hash of the tool as it is listed now, ${listed.hash}`, id);
    this.#trust?.accept(listed);
    this.#set({ ...this.#catalog, blocked: this.#blockedNames() });
  }

  #blockedNames(): readonly string[] {
    const names = this.#trust === undefined ? [] : [...this.#trust.blocked.keys()];
    const { blocked } = this.#catalog;
    const isSame = names.length === blocked.length && names.every((name, index) => name === blocked[index]);
    return isSame ? blocked : Object.freeze(names);
  }

  #set(catalog: Catalog): void {
    this.#catalog = Object.freeze(catalog);
  }
}
