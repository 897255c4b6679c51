import type { JsonMember } from './document-value.ts';
import { nearestName } from './nearest-name.ts';
import { quoted } from './printable.ts';
import { Report, membersOf } from './report.ts';
import { readServerSettings } from './server-settings.ts';
import type { ServerSettings } from './server-settings.ts';
import { asObject, objectMembers } from './setting-values.ts';

/** What the `holdfast` key says of the manager as a whole. */
export interface ManagerSettings {
  /** What every server gets that does not say otherwise in its own `options`. */
  readonly defaults: ServerSettings;
}

/** The `holdfast` key of a file, read. */
export interface HoldfastSettings extends ManagerSettings {
  readonly servers: ReadonlyMap<string, ServerSettings>;
  /** Not read yet: what groups may name depends on what becomes of the servers. */
  readonly groups: JsonMember | undefined;
}

/**
 * Reads the top-level key `holdfast`, but for its groups. What is wrong about one server's settings is reported as a problem of
 * that server.
 */
export function readHoldfastSettings(
  member: JsonMember | undefined,
  serverIds: ReadonlySet<string>,
  report: Report,
): HoldfastSettings {
  const servers = new Map<string, ServerSettings>();
  if (member === undefined) return { defaults: {}, servers, groups: undefined };
  const members = objectMembers(member, report, ['defaults', 'servers', 'groups']);
  const forAll = members.get('defaults');
  const defaults = forAll === undefined ? {} : readServerSettings(forAll, {}, report);
  const perServer = members.get('servers');
  const object = perServer && asObject(perServer, report);
  for (const [id, settings] of object === undefined ? [] : membersOf(object, report)) {
    if (serverIds.has(id)) {
      const ofServer = new Report(report.file, id);
      servers.set(id, readServerSettings(settings, defaults, ofServer));
      report.add(ofServer);
    } else {
      const nearest = nearestName(id, serverIds);
      const fix =
        nearest === undefined ? 'add that server, or remove these settings' : `did you mean ${quoted(nearest)}?`;
      report.problem(settings, `there is no server ${quoted(id)} in this configuration`, fix);
    }
  }
  return { defaults, servers, groups: members.get('groups') };
}
