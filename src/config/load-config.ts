import { homedir } from 'node:os';
import { resolve, sep } from 'node:path';

import type { ConfigProblem } from '../errors/config-error.ts';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import { acceptedEntries } from './accepted-entries.ts';
import { dialectNames, recogniseDocument } from './dialects.ts';
import type { DialectName, Document } from './dialects.ts';
import type { EntryContext } from './entry-context.ts';
import type { VariableScope } from './expand-variables.ts';
import { findConfig, projectFolderOf } from './find-config.ts';
import { readGroups } from './group-settings.ts';
import type { Standing } from './group-settings.ts';
import type { GroupSpec } from './group-spec.ts';
import { readHoldfastSettings } from './holdfast-settings.ts';
import type { ManagerSettings } from './holdfast-settings.ts';
import { inputResolver, readInputDefaults } from './input-values.ts';
import { parseDocument } from './parse-document.ts';
import { readTextFile } from './read-text-file.ts';
import { Report } from './report.ts';
import type { ConfigWarning } from './report.ts';
import { readServerEntry } from './server-entry.ts';
import type { ServerSpec } from './server-spec.ts';

/** Where `loadConfig` gets what it needs. Every part is optional. */
export interface LoadConfigOptions {
  /** The variables of `${VAR}`, `${env:VAR}` and `MCP_INPUT_…`. Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Values of `${input:id}` by id; they win over `MCP_INPUT_…` and over declared defaults. Default: none. */
  readonly inputs?: Readonly<Record<string, string>> | undefined;
  /** Where relative paths start and where a file is looked for when none is named. Default: `process.cwd()`. */
  readonly cwd?: string | undefined;
  /** Whose way of writing it is, where the name of the file does not tell: those that share a container differ in details. Default: by the file. */
  readonly dialect?: DialectName | undefined;
  /** Reads a file, named by its absolute path, as text; rejects with a Node error. Default: the file system, UTF-8 only. */
  readonly readFile?: ((path: string) => Promise<string>) | undefined;
}

/** A configuration file, read, checked and with every variable expanded. */
export interface LoadedConfig {
  /** Absolute. */
  readonly file: string;
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
 * A mistake about one server or group keeps it out, is told once in `problems` with file, line, column, field and fix, and
 * leaves the others alone. No message quotes the value of a variable. Nothing is executed and nothing outside of the file and
 * the `envFile`s it names is read.
 *
 * @throws InvalidOptionError for a `dialect` that is none.
 * @throws ConfigError when there is no file, or it cannot be read, is not JSON, or has no known container of servers.
 */
export async function loadConfig(path?: string, options: LoadConfigOptions = {}): Promise<LoadedConfig> {
  if (options.dialect !== undefined && !dialectNames.includes(options.dialect))
    throw new InvalidOptionError('dialect', options.dialect, `one of ${dialectNames.join(', ')}`);
  const readFile = options.readFile ?? readTextFile;
  const env = options.env ?? process.env;
  const { file, text } = await findConfig(path, resolve(options.cwd ?? '.'), readFile);
  const report = new Report(file);
  const document = recogniseDocument(await parseDocument(file, text), report, options.dialect);
  const projectFolder = projectFolderOf(file);
  const scope: VariableScope = {
    env,
    inputOf: inputResolver(options.inputs ?? {}, env, readInputDefaults(document.inputs, report)),
    workspaceFolder: projectFolder,
    userHome: env[process.platform === 'win32' ? 'USERPROFILE' : 'HOME'] || homedir(),
    pathSeparator: sep,
    variables: document.dialect.variables,
  };
  return readServers(document, { dialect: document.dialect, scope, projectFolder, readFile }, report);
}

async function readServers(document: Document, context: EntryContext, report: Report): Promise<LoadedConfig> {
  const entries = document.container.members;
  const ids = entries.map(({ name }) => name);
  const settings = readHoldfastSettings(document.holdfast, new Set(ids), report);
  const specs: ServerSpec[] = [];
  for (const entry of acceptedEntries(entries, 'server', report)) {
    const ofServer = new Report(report.file, entry.name);
    const spec = await readServerEntry(entry, context, settings.servers.get(entry.name) ?? {}, ofServer);
    report.add(ofServer);
    if (spec !== undefined) specs.push(spec);
  }
  const refused = new Set(report.problems.map(({ serverId }) => serverId));
  const servers = specs.filter(({ id }) => !refused.has(id));
  const enabled = new Set(servers.flatMap((spec) => (spec.enabled ? [spec.id] : [])));
  const standingOf = (id: string): Standing => {
    if (refused.has(id)) return 'refused';
    return enabled.has(id) ? 'enabled' : 'disabled';
  };
  const groups = readGroups(settings.groups, new Map(ids.map((id) => [id, standingOf(id)])), report);
  return {
    file: report.file,
    dialect: document.dialect.name,
    servers,
    groups,
    problems: report.problems.toSorted(inFileOrder),
    warnings: report.warnings.toSorted(inFileOrder),
    settings: { defaults: settings.defaults },
  };
}

function inFileOrder(a: { line: number; column: number }, b: { line: number; column: number }): number {
  return a.line - b.line || a.column - b.column;
}
