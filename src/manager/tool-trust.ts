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
  /** Hashes of tools that are not listed any more, as they last were. */
  readonly #gone = new Map<string, string>();
  /** Hashes of the tools that may be called: as they were first seen, or accepted. Kept under `block` alone. */
  readonly #trusted = new Map<string, string>();
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
    for (const listed of this.#gone.size === 0 ? [] : added) {
      const { name } = listed.tool;
      const before = this.#gone.get(name);
      if (before !== undefined && before !== listed.hash) changes.push({ tool: name, before, after: listed.hash });
      this.#gone.delete(name);
    }
    for (const { tool, hash } of removed) this.#gone.set(tool.name, hash);
    for (const name of this.#gone.keys()) {
      if (this.#gone.size <= mostGone) break;
      this.#gone.delete(name);
    }
    if (this.#policy === 'block') this.#block(tools);
    return changes;
  }

  /** The tool may be called as it is listed now. */
  accept({ tool, hash }: ListedTool): void {
    if (this.#policy === 'block') this.#trusted.set(tool.name, hash);
    if (!this.#blocked.has(tool.name)) return;
    const blocked = new Map(this.#blocked);
    blocked.delete(tool.name);
    this.#blocked = blocked;
  }

  #block(tools: readonly ListedTool[]): void {
    const blocked = new Map<string, BlockedTool>();
    for (const { tool, hash } of tools) {
      const trusted = this.#trusted.get(tool.name);
      if (trusted === undefined && this.#trusted.size < mostTrusted) this.#trusted.set(tool.name, hash);
      else if (trusted !== hash) blocked.set(tool.name, { tool: tool.name, before: trusted ?? null, after: hash });
    }
    this.#blocked = blocked.size === 0 ? nothingBlocked : blocked;
  }
}
