import { basename, relative } from 'node:path';
import type { ConfigProblem, GroupSpec, LoadedConfig, ServerSpec, TransportSpec } from '../config/index.ts';
import { stdio } from '../index.ts';
import type { ServerOptions, ServerTarget } from '../index.ts';

/** A server that `up` is to start. */
export interface PlannedServer {
  readonly id: string;
  readonly target: ServerTarget;
  readonly options: ServerOptions;
  /** Where it is configured, for what is found to be wrong with it later. */
  readonly source: ServerSpec['source'];
}

/** What `up` is to do. */
export interface UpPlan {
  /** What the servers come from, for people. */
  readonly title: string;
  /** The configuration file, absolute; null for a command. */
  readonly config: string | null;
  readonly servers: readonly PlannedServer[];
  readonly groups: readonly GroupSpec[];
  readonly problems: readonly ConfigProblem[];
  /** How many servers the configuration disables. */
  readonly disabled: number;
  readonly defaults: ServerOptions;
}

/** The plan for a configuration file: its enabled servers. What only `addServer` finds wrong with one of them is for that to tell. */
export function planFromConfig(config: LoadedConfig, cwd: string): UpPlan {
  const enabled = config.servers.filter((spec) => spec.enabled);
  return {
    title: shortest(config.file, cwd),
    config: config.file,
    servers: enabled.map(({ id, source, transport, options }) => ({
      id,
      source,
      options,
      target: targetOf(transport),
    })),
    groups: config.groups,
    problems: config.problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
    disabled: config.servers.length - enabled.length,
    defaults: config.settings.defaults,
  };
}

/**
 * The plan for `up -- command…`: one server, named after the base name of the command. As in a shell, it runs in the
 * working directory and with the whole environment, which is given by name so that secrets in it are known. Throws
 * `InvalidOptionError` for an empty command.
 */
export function planFromCommand(
  [command = '', ...args]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): UpPlan {
  const target = stdio({ command, args, cwd, env });
  const source = { file: '(command line)', line: 1, column: 1 };
  return {
    title: command,
    config: null,
    servers: [{ id: basename(command), target, options: {}, source }],
    groups: [],
    problems: [],
    disabled: 0,
    defaults: {},
  };
}

/** Not through the functions that make targets: what they throw would keep all servers from starting, not the one. */
function targetOf(transport: TransportSpec): ServerTarget {
  switch (transport.kind) {
    case 'stdio':
      return { ...transport };
    case 'http':
      return { ...transport, auth: undefined };
    case 'webSocket':
      return { ...transport };
  }
}

function shortest(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path;
}
