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

/** Deeper descriptions are refused: no useful schema is that deep, and a bomb is. */
const deepest = 64;

/**
 * Hashes of a tool's description, independent of the order of keys: `hash` over all that a model or a caller may rely on,
 * `inputHash` over the input schema alone. Undefined when the description is nested deeper than 64 levels.
 */
export function hashTool(tool: Tool): { readonly hash: string; readonly inputHash: string } | undefined {
  const input = canonicalJson(tool.inputSchema, deepest);
  const rest = canonicalJson([tool.name, tool.title, tool.description, tool.outputSchema, tool.annotations], deepest);
  if (input === undefined || rest === undefined) return undefined;
  return { hash: sha256(`${input}\n${rest}`), inputHash: sha256(input) };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** JSON with sorted keys; undefined when the value is nested deeper than `depth`. */
function canonicalJson(value: unknown, depth: number): string | undefined {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (depth === 0) return undefined;
  const parts: string[] = [];
  if (Array.isArray(value)) {
    for (const item of value) {
      const part = canonicalJson(item, depth - 1);
      if (part === undefined) return undefined;
      parts.push(part);
    }
    return `[${parts.join(',')}]`;
  }
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, item] of entries) {
    if (item === undefined) continue;
    const part = canonicalJson(item, depth - 1);
    if (part === undefined) return undefined;
    parts.push(`${JSON.stringify(key)}:${part}`);
  }
  return `{${parts.join(',')}}`;
}
