import type { Group, ServerGroupConfig, ServerOptions } from '../../src/index.ts';
import type { SimulatedBehaviour } from '../../src/testing/index.ts';
import { world, type Arrangement, type World } from './support.ts';

export interface Grouped {
  readonly w: World;
  readonly group: Group;
  /** What the group told since the last time that this was asked, each as `time what`. */
  readonly told: () => readonly string[];
  /** The tool calls that each of these servers executed. */
  readonly executed: (...ids: readonly string[]) => readonly number[];
}

export interface GroupArrangement extends Arrangement {
  readonly options?: Readonly<Record<string, ServerOptions>>;
  readonly group?: Partial<ServerGroupConfig>;
  /** How each of these servers behaves from the start. */
  readonly servers?: Readonly<Record<string, Partial<SimulatedBehaviour>>>;
}

/** A group called `team` of healthy servers in this order; one that is lazy stays idle. */
export async function grouped(ids: readonly string[], arrangement: GroupArrangement = {}): Promise<Grouped> {
  const w = world(arrangement);
  for (const [id, behaviour] of Object.entries(arrangement.servers ?? {})) w.server(id, behaviour);
  for (const id of ids) await w.add(id, arrangement.options?.[id]);
  const [primary = '', ...backups] = ids;
  return around(w, w.manager.addGroup('team', { primary, backups, ...arrangement.group }));
}

/** The same, of a group that is there already. */
export function around(w: World, group: Group): Grouped {
  let told = w.trace.length;
  return {
    w,
    group,
    told() {
      const lines = w.trace.slice(told).filter((line) => line.includes(` group ${group.id} `));
      told = w.trace.length;
      return lines.map((line) => line.replace(` group ${group.id} `, ' '));
    },
    executed: (...ids) => ids.map((id) => w.server(id).executed.length),
  };
}
