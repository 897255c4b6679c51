import { acceptedEntries } from './accepted-entries.ts';
import type { Layer } from './config-layers.ts';
import type { JsonMember } from './document-value.ts';
import { readGroups } from './group-settings.ts';
import type { Standing } from './group-settings.ts';
import type { GroupSpec } from './group-spec.ts';
import { readHoldfastSettings } from './holdfast-settings.ts';
import type { HoldfastSettings, ManagerSettings } from './holdfast-settings.ts';
import { laidOver } from './laid-over.ts';
import type { LoadedConfig } from './load-config.ts';
import { quoted } from './printable.ts';
import { Report } from './report.ts';
import { readServerEntry } from './server-entry.ts';
import type { ServerSettings } from './server-settings.ts';
import type { ServerSpec } from './server-spec.ts';

/** One configuration from its files, of which the later ones win. `read`: all that are read, while they are; the one that gives its name first. */
export async function mergeLayers(layers: readonly Layer[], read: ReadonlySet<string>): Promise<LoadedConfig> {
  const settings = mergeSettings(layers);
  const ids = new Set(layers.flatMap(({ document }) => document.container.members.map(({ name }) => name)));
  const specs: ServerSpec[] = [];
  for (const [index, layer] of layers.entries()) {
    const later = layers
      .slice(index + 1)
      .map(({ document, report }) => ({ entries: document.container.members, report }));
    for (const entry of acceptedEntries(layer.document.container.members, 'server', layer.report)) {
      if (isShadowed(entry, 'server', later, layer.report)) continue;
      const ofServer = new Report(layer.report.file, entry.name);
      const own = settings.servers.get(entry.name) ?? {};
      const spec = await readServerEntry(entry, layer.context, own, ofServer);
      layer.report.add(ofServer);
      if (spec !== undefined) specs.push(spec);
    }
  }
  const refused = new Set(layers.flatMap(({ report }) => report.problems.map(({ serverId }) => serverId)));
  const servers = specs.filter(({ id }) => !refused.has(id));
  const enabled = new Set(servers.flatMap((spec) => (spec.enabled ? [spec.id] : [])));
  const standingOf = (id: string): Standing => {
    if (refused.has(id)) return 'refused';
    return enabled.has(id) ? 'enabled' : 'disabled';
  };
  const groups = mergeGroups(layers, settings.groups, new Map([...ids].map((id) => [id, standingOf(id)])));
  const files = [...read];
  const place = new Map(files.map((file, index) => [file, index]));
  const inOrder = (a: Placed, b: Placed): number =>
    (place.get(a.file) ?? 0) - (place.get(b.file) ?? 0) || a.line - b.line || a.column - b.column;
  return {
    file: files[0] ?? '',
    files,
    dialect: layers.find(({ report }) => report.file === files[0])?.document.dialect.name ?? 'claude',
    servers,
    groups,
    problems: layers.flatMap(({ report }) => report.problems).toSorted(inOrder),
    warnings: layers.flatMap(({ report }) => report.warnings).toSorted(inOrder),
    settings: settings.ofManager,
  };
}

interface Placed {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

interface MergedSettings {
  readonly ofManager: ManagerSettings;
  readonly servers: ReadonlyMap<string, ServerSettings>;
  /** Of each file, in the order of the files. */
  readonly groups: readonly HoldfastSettings['groups'][];
}

/** A file may set what concerns servers of those that it builds on, too. */
function mergeSettings(layers: readonly Layer[]): MergedSettings {
  const known = new Set<string>();
  const servers = new Map<string, ServerSettings>();
  const groups: HoldfastSettings['groups'][] = [];
  let ofManager: ManagerSettings = { defaults: {} };
  for (const { document, report } of layers) {
    for (const { name } of document.container.members) known.add(name);
    const own = readHoldfastSettings(document.holdfast, known, report);
    const { listen = ofManager.listen } = own;
    const defaults = laidOver(ofManager.defaults, own.defaults);
    ofManager = { defaults, ...(listen !== undefined && { listen }) };
    for (const [id, settings] of own.servers) servers.set(id, laidOver(servers.get(id) ?? {}, settings));
    groups.push(own.groups);
  }
  return { ofManager, servers, groups };
}

function mergeGroups(
  layers: readonly Layer[],
  members: MergedSettings['groups'],
  servers: ReadonlyMap<string, Standing>,
): readonly GroupSpec[] {
  const entriesOf = (member: JsonMember | undefined): readonly JsonMember[] =>
    member?.value.type === 'object' ? member.value.members : [];
  return layers.flatMap(({ report }, index) => {
    const later = layers.slice(index + 1).map((layer, after) => ({
      entries: entriesOf(members[index + 1 + after]),
      report: layer.report,
    }));
    const member = members[index];
    if (member?.value.type !== 'object') return readGroups(member, servers, report);
    const own = member.value.members.filter((entry) => !isShadowed(entry, 'group', later, report));
    return readGroups({ ...member, value: { ...member.value, members: own } }, servers, report);
  });
}

/** True for what a later file says anew; that is told, too. */
function isShadowed(
  entry: JsonMember,
  what: 'server' | 'group',
  later: readonly { readonly entries: readonly JsonMember[]; readonly report: Report }[],
  report: Report,
): boolean {
  for (const { entries, report: other } of later.toReversed()) {
    const winner = entries.find(({ name }) => name === entry.name);
    if (winner === undefined) continue;
    const told = new Report(report.file, what === 'server' ? entry.name : null);
    const where = `${other.file}:${winner.at.line}:${winner.at.column}`;
    told.warn('info', entry, `not used: the ${what} ${quoted(entry.name)} of ${where} takes its place`);
    report.add(told);
    return true;
  }
  return false;
}
