import { createHash } from 'node:crypto';

/** A tool as the server described it; what is not named here is kept too. */
export interface Tool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>> | undefined;
  readonly annotations?: Readonly<Record<string, unknown>> | undefined;
}

/** A tool of a catalog. Its hashes do not depend on the order of keys, and are made when they are first asked for. */
export interface ListedTool {
  readonly tool: Tool;
  /** Hash of all that a model or a caller may rely on: name, title, description, schemas and annotations. */
  readonly hash: string;
  /** Hash of the input schema alone. */
  readonly inputHash: string;
  /** Hash of the output schema alone; of nothing, where there is none. */
  readonly outputHash: string;
}

/** Deeper descriptions are refused: no useful schema is that deep, and a bomb is. */
const deepest = 64;

/** The tool with its hashes; undefined when what `listed` describes is no tool, or is nested deeper than 64 levels. */
export function listTool(listed: unknown): ListedTool | undefined {
  return isTool(listed) && !isDeeper(listed, deepest) ? new HashedTool(listed) : undefined;
}

class HashedTool implements ListedTool {
  readonly tool: Tool;
  #hash: string | undefined;
  #inputHash: string | undefined;
  #outputHash: string | undefined;

  constructor(tool: Tool) {
    this.tool = tool;
  }

  get hash(): string {
    const { name, title, description, inputSchema, outputSchema, annotations } = this.tool;
    this.#hash ??= sha256(canonicalJson([name, title, description, inputSchema, outputSchema, annotations]));
    return this.#hash;
  }

  get inputHash(): string {
    this.#inputHash ??= sha256(canonicalJson(this.tool.inputSchema));
    return this.#inputHash;
  }

  get outputHash(): string {
    this.#outputHash ??= sha256(canonicalJson(this.tool.outputSchema));
    return this.#outputHash;
  }

  toJSON(): ListedTool {
    return { tool: this.tool, hash: this.hash, inputHash: this.inputHash, outputHash: this.outputHash };
  }
}

function isTool(value: unknown): value is Tool {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'inputSchema' in value &&
    typeof value.inputSchema === 'object' &&
    value.inputSchema !== null
  );
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((item) => isDeeper(item, levels - 1));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** JSON with sorted keys and nothing undefined. */
function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
  return `{${entries.join(',')}}`;
}
