import { resolve } from 'node:path';

import type { ConfigProblem } from '../errors/config-error.ts';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import { Layers } from './config-layers.ts';
import { dialectNames } from './dialects.ts';
import type { DialectName } from './dialects.ts';
import { findConfig } from './find-config.ts';
import type { GroupSpec } from './group-spec.ts';
import type { ManagerSettings } from './holdfast-settings.ts';
import { mergeLayers } from './merge-layers.ts';
import { readTextFile } from './read-text-file.ts';
import type { ConfigWarning } from './report.ts';
import type { ServerSpec } from './server-spec.ts';

/** Where `loadConfig` gets what it needs. Every part is optional. */
export interface LoadConfigOptions {
  /** The variables of `${VAR}`, `${env:VAR}` and `MCP_INPUT_…`. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Values of `${input:id}` by id; they win over `MCP_INPUT_…` and over declared defaults. Default: none. */
  readonly inputs?: Readonly<Record<string, string>> | undefined;
  /** Where relative paths start, where a file is looked for when none is named, and whose servers of `~/.claude.json` are read. Default: `process.cwd()`. */
  readonly cwd?: string | undefined;
  /** Whose way of writing it is, where the name of the file does not tell: those that share a container differ in details. Default: by the file. */
  readonly dialect?: DialectName | undefined;
  /** Reads a file, named by its absolute path, as text; rejects with a Node error. Default: the file system, UTF-8 only. */
  readonly readFile?: ((path: string) => Promise<string>) | undefined;
}

/** A configuration file, read, checked and with every variable expanded. */
export interface LoadedConfig {
  /** The file, or the first that was named: absolute. */
  readonly file: string;
  /** Every file that was read for it, `file` first: those that it extends, and each `envFile`. Absolute. */
  readonly files: readonly string[];
  /** Whose way of writing servers down the file was read as. */
  readonly dialect: DialectName;
  /** The servers that can be used, disabled ones included, in the order of the file. */
  readonly servers: readonly ServerSpec[];
  /** The failover groups that can be used, in the order of the file. */
  readonly groups: readonly GroupSpec[];
  /** What is wrong, in the order of the file. A server named in one is not among `servers`. Empty for a good file. */
  readonly problems: readonly ConfigProblem[];
  /** What was ignored, in the order of the file. */
  readonly warnings: readonly ConfigWarning[];
  /** What the `holdfast` key says of the manager. */
  readonly settings: ManagerSettings;
}

/**
 * Reads a configuration file: JSON with comments and trailing commas, YAML or TOML by the end of its name, in the dialect of any host of
 * `DialectName`, and holdfast's own settings under `holdfast`. Without a path it takes the first that exists of `holdfast.json`, `.mcp.json`,
 * `mcp.json` and `.vscode/mcp.json` in `cwd`.
 *
 * A file builds on those that it names in `extends`, and the second of several paths on the first. What a later file says of a server
 * or a group wins as a whole, which is told in `warnings`; `holdfast.defaults` and `holdfast.servers` are laid over each other key by key.
 *
 * A mistake about one server or group keeps it out, is told once in `problems` with file, line, column, field and fix, and
 * leaves the others alone. No message quotes the value of a variable. Nothing is executed and nothing outside of these files and
 * the `envFile`s they name is read.
 *
 * @throws InvalidOptionError for a `dialect` that is none.
 * @throws ConfigError when there is no file, or one that was named cannot be read, is not JSON, or has no known container of servers.
 */
export async function loadConfig(
  path?: string | readonly string[],
  options: LoadConfigOptions = {},
): Promise<LoadedConfig> {
  const { dialect } = options;
  if (dialect !== undefined && !dialectNames.includes(dialect))
    throw new InvalidOptionError('dialect', dialect, `one of ${dialectNames.join(', ')}`);
  const read = options.readFile ?? readTextFile;
  const files = new Set<string>();
  const cwd = resolve(options.cwd ?? '.');
  const layers = new Layers({
    cwd,
    env: options.env ?? process.env,
    inputs: options.inputs ?? {},
    dialect,
    readFile: (file) => {
      files.add(file);
      return read(file);
    },
  });
  const named = path === undefined || typeof path === 'string' ? [path] : path;
  for (const each of named.length === 0 ? [undefined] : named) {
    const found = await findConfig(each, cwd, read);
    files.add(found.file);
    await layers.add(found);
  }
  return mergeLayers(layers.all, files);
}
