import { basename, relative } from 'node:path';
import type { ConfigProblem, LoadedConfig } from '../config/index.ts';
import { stdio } from '../index.ts';

/** What `up` is to do. */
export interface UpPlan {
  /** What the servers come from, for people. */
  readonly title: string;
  /** The configuration file, absolute; null for a command. */
  readonly config: string | null;
  /** What is to be held. */
  readonly wanted: LoadedConfig;
}

/** The plan for a configuration. What only adding them finds wrong with its servers is for that to tell. */
export function planFromConfig(wanted: LoadedConfig, cwd: string): UpPlan {
  return { title: shortest(wanted.file, cwd), config: wanted.file, wanted };
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
  stdio({ command, args, cwd });
  const given = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const file = '(command line)';
  return {
    title: command,
    config: null,
    wanted: {
      file,
      files: [],
      dialect: 'claude',
      servers: [
        {
          id: basename(command),
          source: { file, line: 1, column: 1 },
          enabled: true,
          transport: { kind: 'stdio', command, args, cwd, env: Object.fromEntries(given), inheritEnv: false },
          options: {},
        },
      ],
      groups: [],
      problems: [],
      warnings: [],
      settings: { defaults: {} },
    },
  };
}

/** The plan with nothing but the servers of these ids, and the groups of these ids with their members. */
export function narrowed(plan: UpPlan, ids: readonly string[]): UpPlan {
  const groups = plan.wanted.groups.filter(({ id }) => ids.includes(id));
  const needed = new Set([...ids, ...groups.flatMap(({ config }) => [config.primary, ...config.backups])]);
  const servers = plan.wanted.servers.filter(({ id }) => needed.has(id));
  return { ...plan, wanted: { ...plan.wanted, groups, servers } };
}

export function hasServers({ wanted }: UpPlan): boolean {
  return wanted.servers.some(({ enabled }) => enabled);
}

export function nothingToHold({ title, wanted }: UpPlan): string {
  const disabled = wanted.servers.filter(({ enabled }) => !enabled).length;
  return `${title}: there is no server to hold${disabled === 0 ? '' : ` (disabled: ${disabled})`}`;
}

/** What a file is called for people. */
function shortest(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith('..') ? file : path;
}

/** The same mistake wherever it stands. */
export function mistakeKey({ file, field, serverId, problem }: ConfigProblem): string {
  return JSON.stringify([file, field, serverId, problem]);
}
