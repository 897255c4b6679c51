import { basename, relative } from 'node:path';
import type { ConfigProblem, LoadedConfig, ServerSpec } from '../config/index.ts';
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
  readonly servers: readonly PlannedServer[];
  readonly problems: readonly ConfigProblem[];
  /** How many servers the configuration disables. */
  readonly disabled: number;
  readonly defaults: ServerOptions;
}

/** The plan for a configuration file: its enabled stdio servers; remote ones are problems, since they are not supported yet. */
export function planFromConfig(config: LoadedConfig, cwd: string): UpPlan {
  const servers: PlannedServer[] = [];
  const problems = [...config.problems];
  const enabled = config.servers.filter((spec) => spec.enabled);
  for (const { id, source, transport, options } of enabled) {
    if (transport.kind === 'stdio') {
      const { command, args, cwd: folder, env, inheritEnv } = transport;
      servers.push({ id, source, options, target: stdio({ command, args, cwd: folder, env, inheritEnv }) });
    } else {
      const problem = `this is a remote server (${transport.kind === 'http' ? 'HTTP' : 'WebSocket'}), which is not supported yet`;
      problems.push({ ...source, field: null, serverId: id, problem, fix: 'leave it out, or set "disabled": true' });
    }
  }
  return {
    title: shortest(config.file, cwd),
    servers,
    problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column),
    disabled: config.servers.length - enabled.length,
    defaults: config.settings.defaults,
  };
}

/**
 * The plan for `up -- command…`: one server, named after the base name of the command. As in a shell, it runs in the
 * working directory and with the whole environment. Throws `InvalidOptionError` for an empty command.
 */
export function planFromCommand([command = '', ...args]: readonly string[], cwd: string): UpPlan {
  const target = stdio({ command, args, cwd, inheritEnv: true });
  const source = { file: '(command line)', line: 1, column: 1 };
  return {
    title: command,
    servers: [{ id: basename(command), target, options: {}, source }],
    problems: [],
    disabled: 0,
    defaults: {},
  };
}

function shortest(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path;
}
