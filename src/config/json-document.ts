import { parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';

import { ConfigError } from '../errors/config-error.ts';
import { positionsIn, startOfFile } from './json-position.ts';
import type { Position } from './json-position.ts';
import { memberPath } from './printable.ts';

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

/** A value of a JSON document together with its place in the text. */
export type JsonValue =
  | JsonObject
  | (Place & { readonly type: 'array'; readonly items: readonly JsonValue[] })
  | (Place & { readonly type: 'string'; readonly text: string })
  | (Place & { readonly type: 'number'; readonly number: number })
  | (Place & { readonly type: 'boolean'; readonly flag: boolean })
  | (Place & { readonly type: 'null' });

/** Parses JSON with comments and trailing commas; throws `ConfigError` at the first thing that is not that. */
export function parseDocument(file: string, text: string): JsonValue {
  const positionOf = positionsIn(text);
  const errors: ParseError[] = [];
  try {
    const root = parseTree(text, errors, { allowTrailingComma: true });
    const first = errors[0];
    if (first !== undefined) throw syntaxError(file, text, first, positionOf(first.offset));
    if (root === undefined) throw emptyFile(file);
    return toValue(root, '', positionOf);
  } catch (error) {
    // The parser and the conversion recurse; a stack overflow is a RangeError.
    if (error instanceof RangeError) throw tooDeep(file, error);
    throw error;
  }
}

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

function toValue(node: Node, path: string, positionOf: (offset: number) => Position): JsonValue {
  const at = positionOf(node.offset);
  const children = node.children ?? [];
  const value: unknown = node.value;
  if (node.type === 'object') {
    return { type: 'object', at, path, members: children.flatMap((child) => toMember(child, path, positionOf)) };
  }
  if (node.type === 'array') {
    return {
      type: 'array',
      at,
      path,
      items: children.map((child, index) => toValue(child, `${path}[${index}]`, positionOf)),
    };
  }
  if (typeof value === 'string') return { type: 'string', at, path, text: value };
  if (typeof value === 'number') return { type: 'number', at, path, number: value };
  if (typeof value === 'boolean') return { type: 'boolean', at, path, flag: value };
  return { type: 'null', at, path };
}

function toMember(property: Node, parent: string, positionOf: (offset: number) => Position): JsonMember[] {
  const [key, value] = property.children ?? [];
  const name: unknown = key?.value;
  if (key === undefined || value === undefined || typeof name !== 'string') return [];
  const path = memberPath(parent, name);
  return [{ name, at: positionOf(key.offset), path, value: toValue(value, path, positionOf) }];
}

function emptyFile(file: string): ConfigError {
  return new ConfigError({
    file,
    ...startOfFile,
    field: null,
    serverId: null,
    problem: 'the file is empty',
    fix: 'write at least { "mcpServers": {} }',
  });
}

function tooDeep(file: string, cause: RangeError): ConfigError {
  return new ConfigError(
    {
      file,
      ...startOfFile,
      field: null,
      serverId: null,
      problem: 'the file is nested too deeply',
      fix: 'check that it is a configuration',
    },
    { cause },
  );
}

function syntaxError(file: string, text: string, error: ParseError, at: Position): ConfigError {
  if (text.trim() === '') return emptyFile(file);
  const { problem, fix } = describeSyntaxError(printParseErrorCode(error.error), text[error.offset]);
  return new ConfigError({ file, ...at, field: null, serverId: null, problem: `this is not JSON: ${problem}`, fix });
}

function describeSyntaxError(code: string, char: string | undefined): { problem: string; fix: string } {
  switch (code) {
    case 'InvalidSymbol':
      return char === "'"
        ? { problem: 'a single quote is not a string delimiter', fix: 'use double quotes' }
        : {
            problem: 'this is neither a string, a number, true, false nor null',
            fix: 'put names and strings in double quotes',
          };
    case 'InvalidNumberFormat':
    case 'UnexpectedEndOfNumber':
      return { problem: 'this is not a number', fix: 'write it like 30000 or 1.5' };
    case 'PropertyNameExpected':
      return { problem: 'a name in double quotes is expected here', fix: 'write "name": value' };
    case 'ValueExpected':
      return { problem: 'a value is expected here', fix: 'add the value, or remove what announces it' };
    case 'ColonExpected':
      return { problem: 'a colon is missing after the name', fix: 'write "name": value' };
    case 'CommaExpected':
      return { problem: 'a comma is missing before this', fix: 'add a comma after the previous value' };
    case 'CloseBraceExpected':
      return { problem: 'an object is not closed', fix: 'add the missing }' };
    case 'CloseBracketExpected':
      return { problem: 'an array is not closed', fix: 'add the missing ]' };
    case 'EndOfFileExpected':
      return { problem: 'something follows the end of the document', fix: 'remove it; a file holds one object' };
    case 'UnexpectedEndOfComment':
      return { problem: 'a comment is not closed', fix: 'add the missing */' };
    case 'UnexpectedEndOfString':
      return {
        problem: 'a string is not closed on its line',
        fix: 'add the closing double quote; write a line break as \\n',
      };
    case 'InvalidUnicode':
    case 'InvalidEscapeCharacter':
      return { problem: 'a string holds a backslash that escapes nothing', fix: 'write a backslash as \\\\' };
    default:
      return { problem: 'an unexpected character', fix: 'remove it; inside a string write a tab as \\t' };
  }
}
