import { isRecord } from '../engine/json-rpc.ts';
import type { Fault } from '../fault.ts';
import { headerValue } from '../header-value.ts';

/** The word in a tool's input schema with which it asks for a header. */
const WISH = 'x-mcp-header';
const HEADER_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A schema that is nested more deeply has no headers in it that anybody meant. */
const MAX_DEPTH = 32;

/** One argument that goes out as a header too. */
interface Wish {
  readonly header: string;
  readonly path: readonly string[];
}

/**
 * The headers that tools ask for their arguments to be repeated in (`x-mcp-header` in the input schema), so that whoever passes a call on
 * can tell calls apart. A tool that asks for what cannot be done is left out of the list, as the revision has it, and told of.
 */
export class ParamHeaders {
  readonly #onFault: (fault: Fault) => void;
  readonly #wishes = new Map<string, readonly Wish[]>();

  constructor(onFault: (fault: Fault) => void) {
    this.#onFault = onFault;
  }

  /** Notes what the listed tools ask for, and gives the list without those whose wishes cannot be met. */
  note(listed: Record<string, unknown>): Record<string, unknown> {
    const { tools } = listed;
    if (!Array.isArray(tools)) return listed;
    const kept = tools.filter((tool: unknown) => this.#noteTool(tool));
    return kept.length === tools.length ? listed : { ...listed, tools: kept };
  }

  /** The headers for the arguments of a call, as names and values in turn. */
  of(method: string, params: Readonly<Record<string, unknown>> | undefined): readonly string[] | undefined {
    if (method !== 'tools/call' || params === undefined || this.#wishes.size === 0) return undefined;
    const { name } = params;
    const wishes = typeof name === 'string' ? this.#wishes.get(name) : undefined;
    return wishes?.flatMap(({ header, path }) => {
      const text = textOf(valueAt(params['arguments'], path));
      return text === undefined ? [] : [`mcp-param-${header}`, headerValue(text)];
    });
  }

  #noteTool(tool: unknown): boolean {
    if (!isRecord(tool) || typeof tool['name'] !== 'string') return true;
    const { name, inputSchema } = tool;
    const wishes = wishesIn(inputSchema);
    if (wishes === null) {
      this.#wishes.delete(name);
      this.#onFault({
        kind: 'protocol',
        code: 'bad-param-header',
        message: `The tool ${JSON.stringify(name.slice(0, 64))} asks for headers that cannot be sent, and is left out.`,
      });
      return false;
    }
    if (wishes.length > 0) this.#wishes.set(name, wishes);
    else this.#wishes.delete(name);
    return true;
  }
}

/** The wishes in a schema; null when one of them cannot be met. Only a property of a property of … the arguments can have one. */
function wishesIn(schema: unknown): readonly Wish[] | null {
  const wishes: Wish[] = [];
  const visit = (node: unknown, path: readonly string[], depth: number): boolean => {
    if (!isRecord(node) || depth > MAX_DEPTH) return true;
    if (WISH in node) {
      const header = node[WISH];
      if (path.length === 0 || typeof header !== 'string' || !HEADER_NAME.test(header)) return false;
      if (!HEADER_TYPES.has(node['type'])) return false;
      if (wishes.some((wish) => wish.header === header.toLowerCase())) return false;
      wishes.push({ header: header.toLowerCase(), path });
    }
    return Object.entries(node).every(([key, child]) => {
      if (key !== 'properties' || !isRecord(child)) return DATA.has(key) || !mentionsWish(child, depth);
      return Object.entries(child).every(([property, inner]) => visit(inner, [...path, property], depth + 1));
    });
  };
  return visit(schema, [], 0) ? wishes : null;
}

/** Keywords whose values are data, in which the word means nothing. */
const DATA: ReadonlySet<string> = new Set(['const', 'default', 'enum', 'examples', WISH]);

function mentionsWish(node: unknown, depth: number): boolean {
  if (typeof node !== 'object' || node === null || depth > MAX_DEPTH) return false;
  if (WISH in node) return true;
  return Object.entries(node).some(([key, child]) => !DATA.has(key) && mentionsWish(child, depth + 1));
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), args);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return String(value);
  return typeof value === 'number' && Number.isFinite(value) && !Number.isInteger(value) ? String(value) : undefined;
}
