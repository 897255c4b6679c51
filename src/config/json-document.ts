import { parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node, ParseError } from 'jsonc-parser';

import type { ConfigError } from '../errors/config-error.ts';
import type { JsonMember, JsonValue } from './document-value.ts';
import { positionsIn } from './json-position.ts';
import type { Position } from './json-position.ts';
import { memberPath } from './printable.ts';
import { emptyFile, tooDeep, unusable } from './unusable-document.ts';

/** Parses JSON with comments and trailing commas; throws `ConfigError` at the first thing that is not that. */
export function parseJson(file: string, text: string): JsonValue {
  const positionOf = positionsIn(text);
  const errors: ParseError[] = [];
  try {
    const root = parseTree(text, errors, { allowTrailingComma: true });
    const first = errors[0];
    if (first !== undefined) throw syntaxError(file, text, first, positionOf(first.offset));
    if (root === undefined) throw emptyFile(file, '{ "mcpServers": {} }');
    return toValue(root, '', positionOf);
  } catch (error) {
    // The parser and the conversion recurse; a stack overflow is a RangeError.
    if (error instanceof RangeError) throw tooDeep(file, error);
    throw error;
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

function syntaxError(file: string, text: string, error: ParseError, at: Position): ConfigError {
  if (text.trim() === '') return emptyFile(file, '{ "mcpServers": {} }');
  const { problem, fix } = describeSyntaxError(printParseErrorCode(error.error), text[error.offset]);
  return unusable(file, at, `this is not JSON: ${problem}`, fix);
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
