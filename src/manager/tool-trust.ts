import type { ListedTool } from '../link/tool-hash.ts';
import type { CatalogDifference } from './catalog.ts';

/** What is done about a tool that is no longer what it was: it is told, or it is told and the tool is refused until it is accepted. */
export type ToolChanges = 'warn' | 'block';

/** A tool that is not what it last was. */
export interface ToolChange {
  readonly tool: string;
  /** Hash of what it was. */
  readonly before: string;
  /** Hash of what it is. */
  readonly after: string;
}

/** A tool that may not be called. */
export interface BlockedTool {
  readonly tool: string;
  /** Hash of what is trusted; null when nothing is, since too much was trusted at first sight already. */
  readonly before: string | null;
  /** Hash of what it is. */
  readonly after: string;
}

/** So many tools of one server are trusted at first sight: a server that lists new ones without end must not fill our memory. */
const mostTrusted = 10_000;

/** Of so many tools that vanished it is known what they were. */
const mostGone = 2_000;

const nothingBlocked: ReadonlyMap<string, BlockedTool> = new Map();

/** What is remembered of the tools of one server, over all its connections, to know those that change. */
export class ToolTrust {
  readonly #policy: ToolChanges;
  // Made when first needed: with ten thousand servers two empty Maps each are megabytes.
  /** Hashes of tools that are not listed any more, as they last were. */
  #gone: Map<string, string> | undefined;
  /** Hashes of the tools that may be called: as they were first seen, or accepted. Kept under `block` alone. */
  #trusted: Map<string, string> | undefined;
  #blocked = nothingBlocked;

  constructor(policy: ToolChanges) {
    this.#policy = policy;
  }

  /** The tools that are refused, by name. */
  get blocked(): ReadonlyMap<string, BlockedTool> {
    return this.#blocked;
  }

  /** Takes note of a list. Returns the tools that are not what they last were, those that vanished in between among them. */
  review({ added, removed, changed }: CatalogDifference, tools: readonly ListedTool[]): readonly ToolChange[] {
    const changes: ToolChange[] = [];
    for (const { before, after } of changed) {
      changes.push({ tool: after.tool.name, before: before.hash, after: after.hash });
    }
    if (this.#gone !== undefined) changes.push(...back(this.#gone, added));
    if (removed.length > 0) keep((this.#gone ??= new Map<string, string>()), removed);
    if (this.#policy === 'block') this.#block(tools, (this.#trusted ??= new Map<string, string>()));
    return changes;
  }

  /** The tool may be called as it is listed now. */
  accept({ tool, hash }: ListedTool): void {
    this.#trusted?.set(tool.name, hash);
    if (!this.#blocked.has(tool.name)) return;
    const blocked = new Map(this.#blocked);
    blocked.delete(tool.name);
    this.#blocked = blocked;
  }

  #block(tools: readonly ListedTool[], trusted: Map<string, string>): void {
    const blocked = new Map<string, BlockedTool>();
    for (const { tool, hash } of tools) {
      const before = trusted.get(tool.name);
      if (before === undefined && trusted.size < mostTrusted) trusted.set(tool.name, hash);
      else if (before !== hash) blocked.set(tool.name, { tool: tool.name, before: before ?? null, after: hash });
    }
    this.#blocked = blocked.size === 0 ? nothingBlocked : blocked;
  }
}

/** Those that are listed again and are not what they were. None of them is gone any more. */
function back(gone: Map<string, string>, added: readonly ListedTool[]): readonly ToolChange[] {
  const changes: ToolChange[] = [];
  for (const { tool, hash } of added) {
    const before = gone.get(tool.name);
    if (before !== undefined && before !== hash) changes.push({ tool: tool.name, before, after: hash });
    gone.delete(tool.name);
  }
  return changes;
}

function keep(gone: Map<string, string>, removed: readonly ListedTool[]): void {
  for (const { tool, hash } of removed) gone.set(tool.name, hash);
  for (const name of gone.keys()) {
    if (gone.size <= mostGone) break;
    gone.delete(name);
  }
}
