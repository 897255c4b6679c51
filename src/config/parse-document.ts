import { extname } from 'node:path';
import type { JsonValue } from './document-value.ts';
import { parseJson } from './json-document.ts';

/** Parses a file by the end of its name: YAML, TOML, else JSON with comments. Rejects with `ConfigError` at the first thing that is not that. */
export async function parseDocument(file: string, text: string): Promise<JsonValue> {
  switch (extname(file).toLowerCase()) {
    case '.yaml':
    case '.yml':
      return (await import('./yaml-document.ts')).parseYaml(file, text);
    case '.toml':
      return (await import('./toml-document.ts')).parseToml(file, text);
    default:
      return parseJson(file, text);
  }
}
