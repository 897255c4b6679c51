import { isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import type { JsonMember, JsonValue } from './document-value.ts';
import { positionsIn } from './json-position.ts';
import type { Position } from './json-position.ts';
import { memberPath } from './printable.ts';
import { emptyFile, tooDeep, unusable } from './unusable-document.ts';

/** What a file may hold, aliases written out: a few lines of aliases to aliases would be billions of values. */
const MAX_VALUES = 100_000;

/** Parses YAML 1.2; throws `ConfigError` at the first thing that is not that. No message quotes the text. */
export function parseYaml(file: string, text: string): JsonValue {
  const positionOf = positionsIn(text);
  try {
    const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false });
    const [first] = document.errors;
    if (first !== undefined) {
      const what = first.code.toLowerCase().replaceAll('_', ' ');
      throw unusable(file, positionOf(first.pos[0]), `this is not YAML: ${what}`, 'mend it there, or just before');
    }
    if (document.contents === null) throw emptyFile(file, 'mcpServers: {}');
    return new YamlReader(file, document, positionOf).value(document.contents, '');
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(file, error);
    throw error;
  }
}

class YamlReader {
  readonly #file: string;
  readonly #document: Document;
  readonly #positionOf: (offset: number) => Position;
  #values = 0;

  constructor(file: string, document: Document, positionOf: (offset: number) => Position) {
    this.#file = file;
    this.#document = document;
    this.#positionOf = positionOf;
  }

  value(node: unknown, path: string, alias?: Position): JsonValue {
    const at = alias ?? this.#at(node);
    this.#values += 1;
    if (this.#values > MAX_VALUES)
      throw unusable(this.#file, at, 'the aliases stand for too much', 'write the values out');
    if (isAlias(node)) {
      const meant = node.resolve(this.#document);
      if (meant === undefined)
        throw unusable(this.#file, at, 'there is no anchor for this alias', 'write the value out');
      return this.value(meant, path, at);
    }
    if (isMap(node)) return { type: 'object', at, path, members: this.#members(node, path) };
    if (isSeq(node))
      return { type: 'array', at, path, items: node.items.map((item, index) => this.value(item, `${path}[${index}]`)) };
    const value: unknown = isScalar(node) ? node.value : null;
    if (typeof value === 'string') return { type: 'string', at, path, text: value };
    if (typeof value === 'number') return { type: 'number', at, path, number: value };
    if (typeof value === 'boolean') return { type: 'boolean', at, path, flag: value };
    return { type: 'null', at, path };
  }

  /** `<<` gives what the map itself does not. */
  #members(map: YAMLMap, path: string): readonly JsonMember[] {
    const own = map.items.filter((pair) => nameOf(pair) !== '<<').map((pair) => this.#member(pair, path));
    const names = new Set(own.map(({ name }) => name));
    const merged = map.items.filter((pair) => nameOf(pair) === '<<').flatMap(({ value }) => this.#merged(value, path));
    const further = merged.filter(({ name }) => {
      const isNew = !names.has(name);
      names.add(name);
      return isNew;
    });
    return [...own, ...further];
  }

  #merged(node: unknown, path: string): readonly JsonMember[] {
    const meant = isAlias(node) ? node.resolve(this.#document) : node;
    this.#values += 1;
    if (isSeq(meant)) return meant.items.flatMap((item) => this.#merged(item, path));
    return isMap(meant) ? this.#members(meant, path) : [];
  }

  #member(pair: Pair, parent: string): JsonMember {
    const name = nameOf(pair);
    const path = memberPath(parent, name);
    return { name, at: this.#at(pair.key), path, value: this.value(pair.value, path) };
  }

  #at(node: unknown): Position {
    return this.#positionOf(isNode(node) ? ((node as Node).range?.[0] ?? 0) : 0);
  }
}

function nameOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}
