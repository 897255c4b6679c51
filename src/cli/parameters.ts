import { onOneLine } from './terminal-text.ts';

/** The parameters of a tool on one line, such as `  text=<string> [times=<number>]`; optional ones in brackets. */
export function describeParameters(inputSchema: unknown): string {
  const { properties, required } = isRecord(inputSchema) ? inputSchema : {};
  if (!isRecord(properties)) return '';
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  const parts = Object.entries(properties).map(([name, schema]) => {
    const text = `${name}=<${typeOf(schema)}>`;
    return needed.includes(name) ? text : `[${text}]`;
  });
  return parts.length === 0 ? '' : `  ${onOneLine(parts.join(' '))}`;
}

/**
 * Arguments as they are given on a command line: `name=value`, of which the value is read as what the schema wants of that name, as JSON
 * where it wants no text, and `name:=json` for JSON whatever it wants. A text that is no such pair is the error's.
 */
export function readArguments(
  pairs: readonly string[],
  inputSchema: unknown,
): { readonly args: Readonly<Record<string, unknown>> } | { readonly problem: string } {
  const properties = isRecord(inputSchema) && isRecord(inputSchema['properties']) ? inputSchema['properties'] : {};
  const args = new Map<string, unknown>();
  for (const pair of pairs) {
    const found = /^(?<name>[^=]*?[^=:])(?<isJson>:?)=(?<text>.*)$/su.exec(pair)?.groups;
    const { name = '', isJson = '', text = '' } = found ?? {};
    if (found === undefined) return { problem: `${JSON.stringify(pair)} is no argument: write name=value` };
    if (args.has(name)) return { problem: `the argument ${JSON.stringify(name)} is given twice` };
    const wanted = Object.hasOwn(properties, name) ? typeOf(properties[name]) : 'any';
    if (isJson === '' && (wanted === 'string' || wanted.includes('|string'))) {
      args.set(name, text);
      continue;
    }
    const value = parsed(text);
    if (value !== undefined) args.set(name, value);
    else if (isJson === '' && wanted === 'any') args.set(name, text);
    else return { problem: `the argument ${JSON.stringify(name)} must be ${wanted === 'any' ? 'JSON' : wanted}` };
  }
  return { args: Object.fromEntries(args) };
}

function typeOf(schema: unknown): string {
  const type = isRecord(schema) ? schema['type'] : undefined;
  if (Array.isArray(type)) return type.join('|');
  return typeof type === 'string' ? type : 'any';
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The caller says what it should have been.
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
