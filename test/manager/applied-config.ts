import type { ConfigProblem, GroupSettings, LoadedConfig, ServerSettings, ServerSpec } from '../../src/config/index.ts';
import { hostClock } from '../../src/host/clock.ts';
import { createConnectLimiter } from '../../src/host/connect-limiter.ts';
import type { Applied, ApplyReport } from '../../src/index.ts';
import { outcomeOf, world } from './support.ts';
import type { Arrangement, World } from './support.ts';

/** What a configuration says, in short. */
export interface Written {
  readonly servers?: Readonly<Record<string, { readonly args?: string; readonly off?: true } & ServerSettings>>;
  readonly groups?: Readonly<Record<string, GroupSettings>>;
  readonly defaults?: ServerSettings;
  readonly problems?: readonly ConfigProblem[];
}

const source = { file: '/app/mcp.json', line: 1, column: 1 };

/** A configuration as `loadConfig` would have read it. */
export function config({ servers = {}, groups = {}, defaults = {}, problems = [] }: Written): LoadedConfig {
  return {
    file: source.file,
    files: [source.file],
    dialect: 'claude',
    servers: Object.entries(servers).map(([id, { args, off, ...options }]): ServerSpec => ({
      id,
      source,
      enabled: off === undefined,
      transport: {
        kind: 'stdio',
        command: 'server',
        args: args === undefined ? [] : [args],
        cwd: undefined,
        env: {},
        inheritEnv: false,
      },
      options,
    })),
    groups: Object.entries(groups).map(([id, group]) => ({ id, source, config: group })),
    problems,
    warnings: [],
    settings: { defaults },
  };
}

export function problem(serverId: string | null, field: string | null = null): ConfigProblem {
  return { ...source, field, serverId, problem: 'it is odd', fix: 'mend it' };
}

/** The limiter that all managers share would hold back what many short tests connect. */
export function roomyWorld(arrangement: Arrangement = {}): World {
  const connectLimiter = createConnectLimiter({ clock: hostClock, burst: Infinity, perSecond: Infinity });
  return world({ ...arrangement, ports: { connectLimiter } });
}

/** Applies it in a world whose servers take their time for nothing. */
export async function apply(w: World, written: Written): Promise<ApplyReport> {
  const applied = outcomeOf(w.manager.apply(config(written)));
  await w.clock.settle();
  await w.clock.settle();
  return applied.value();
}

export function words(applied: readonly Applied[]): string[] {
  return applied.map((each) =>
    each.change === 'refused'
      ? `${each.id} refused ${each.error.code}${each.kept ? ', kept' : ''}`
      : `${each.id} ${each.change}`,
  );
}
