import type { Position } from './json-position.ts';

/** Something of a document that a message can point at. */
export interface Place {
  readonly at: Position;
  /** From the root of the document, e.g. `mcpServers.files.args[1]`; empty for the root. */
  readonly path: string;
}

/** A member of an object; its place is that of its name. */
export interface JsonMember extends Place {
  readonly name: string;
  readonly value: JsonValue;
}

/** Every member in the order of the text, repeated names included. */
export interface JsonObject extends Place {
  readonly type: 'object';
  readonly members: readonly JsonMember[];
}

/** A value of a document together with its place in the text, whether that is JSON, YAML or TOML. */
export type JsonValue =
  | JsonObject
  | (Place & { readonly type: 'array'; readonly items: readonly JsonValue[] })
  | (Place & { readonly type: 'string'; readonly text: string })
  | (Place & { readonly type: 'number'; readonly number: number })
  | (Place & { readonly type: 'boolean'; readonly flag: boolean })
  | (Place & { readonly type: 'null' });

/** "an array", "a string", …: what a value is, without quoting it. */
export function kindOf(value: JsonValue): string {
  switch (value.type) {
    case 'object':
    case 'array':
      return `an ${value.type}`;
    case 'null':
      return 'null';
    default:
      return `a ${value.type}`;
  }
}
