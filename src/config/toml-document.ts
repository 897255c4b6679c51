import { ParseError, parseTOML } from 'toml-eslint-parser';
import type { AST } from 'toml-eslint-parser';
import type { JsonMember, JsonValue, Place } from './document-value.ts';
import { startOfFile } from './json-position.ts';
import type { Position } from './json-position.ts';
import { memberPath } from './printable.ts';
import { emptyFile, tooDeep, unusable } from './unusable-document.ts';

/** Parses TOML 1.0; throws `ConfigError` at the first thing that is not that. No message quotes the text. */
export function parseToml(file: string, text: string): JsonValue {
  try {
    const [top] = parseTOML(text).body;
    if (top.body.length === 0) throw emptyFile(file, '[mcp_servers]');
    const root = new Table({ at: startOfFile, path: '' });
    for (const node of top.body) {
      if (node.type === 'TOMLKeyValue') root.set(node);
      else root.enter(node.key.keys.map(keyOf), node.resolvedKey).take(node.body);
    }
    return root.value;
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(file, error);
    if (!(error instanceof ParseError)) throw error;
    const at = { line: error.lineNumber, column: error.column + 1 };
    throw unusable(file, at, `this is not TOML: ${lowerCase(error.message)}`, 'mend it there, or just before');
  }
}

interface Key {
  readonly name: string;
  readonly at: Position;
}

/** A table while it is read: its parts may stand anywhere in the file. */
class Table {
  readonly #place: Place;
  readonly #members = new Map<string, { readonly key: Key; readonly value: Table | Table[] | JsonValue }>();

  constructor(place: Place) {
    this.#place = place;
  }

  take(pairs: readonly AST.TOMLKeyValue[]): void {
    for (const pair of pairs) this.set(pair);
  }

  set({ key, value }: AST.TOMLKeyValue): void {
    const keys = key.keys.map(keyOf);
    const last = keys.pop();
    if (last === undefined) return;
    const table = this.enter(keys);
    const path = memberPath(table.#place.path, last.name);
    table.#members.set(last.name, { key: last, value: valueOf(value, path) });
  }

  /** The table of this key, made where it is not there yet. `resolved` holds an index after the name of each array of tables. */
  enter(keys: readonly Key[], resolved: readonly (string | number)[] = []): Table {
    const [key, ...rest] = keys;
    if (key === undefined) return this;
    const [, index, ...afterIndex] = resolved;
    return typeof index === 'number'
      ? this.#inList(key, index).enter(rest, afterIndex)
      : this.#inside(key).enter(rest, resolved.slice(1));
  }

  #inside(key: Key): Table {
    const found = this.#members.get(key.name)?.value;
    if (found instanceof Table) return found;
    const value = new Table({ at: key.at, path: memberPath(this.#place.path, key.name) });
    this.#members.set(key.name, { key, value });
    return value;
  }

  #inList(key: Key, index: number): Table {
    const found = this.#members.get(key.name)?.value;
    const value = Array.isArray(found) ? found : [];
    if (value !== found) this.#members.set(key.name, { key, value });
    value[index] ??= new Table({ at: key.at, path: `${memberPath(this.#place.path, key.name)}[${index}]` });
    return value[index];
  }

  get value(): JsonValue {
    const members = [...this.#members.values()].map(({ key, value }): JsonMember => {
      const path = memberPath(this.#place.path, key.name);
      return { name: key.name, at: key.at, path, value: finished(value, { at: key.at, path }) };
    });
    return { type: 'object', ...this.#place, members };
  }
}

function finished(value: Table | Table[] | JsonValue, place: Place): JsonValue {
  if (value instanceof Table) return value.value;
  return Array.isArray(value) ? { type: 'array', ...place, items: value.map((table) => table.value) } : value;
}

function valueOf(node: AST.TOMLContentNode, path: string): JsonValue {
  const at = positionOf(node);
  switch (node.type) {
    case 'TOMLArray':
      return { type: 'array', at, path, items: node.elements.map((item, index) => valueOf(item, `${path}[${index}]`)) };
    case 'TOMLInlineTable': {
      const table = new Table({ at, path });
      table.take(node.body);
      return table.value;
    }
    case 'TOMLValue':
      switch (node.kind) {
        case 'string':
          return { type: 'string', at, path, text: node.value };
        case 'boolean':
          return { type: 'boolean', at, path, flag: node.value };
        case 'integer':
        case 'float':
          return { type: 'number', at, path, number: node.value };
        default:
          // A date or a time: nothing here wants one, but it can be meant as a text.
          return { type: 'string', at, path, text: node.datetime };
      }
  }
}

function keyOf(key: AST.TOMLBare | AST.TOMLQuoted): Key {
  return { name: key.type === 'TOMLBare' ? key.name : key.value, at: positionOf(key) };
}

function positionOf({ loc }: { readonly loc: AST.SourceLocation }): Position {
  return { line: loc.start.line, column: loc.start.column + 1 };
}

const lowerCase = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);
