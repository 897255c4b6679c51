import { kindOf } from './document-value.ts';
import type { JsonMember } from './document-value.ts';
import { readListenAddress } from './listen-address.ts';
import type { ListenAddress } from './listen-address.ts';
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
  /** Where `holdfast up` serves its status API; false: nowhere. Absent: at the usual place. */
  readonly listen?: ListenAddress | false;
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
  const members = objectMembers(member, report, ['defaults', 'servers', 'groups', 'listen']);
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
  const place = members.get('listen');
  const listen = place && readListen(place, report);
  return { defaults, servers, groups: members.get('groups'), ...(listen !== undefined && { listen }) };
}

function readListen({ value }: JsonMember, report: Report): ListenAddress | false | undefined {
  if (value.type === 'boolean' && !value.flag) return false;
  const address = value.type === 'string' ? readListenAddress(value.text) : undefined;
  if (address === undefined)
    report.problem(
      value,
      `listen must be an address or false, but it is ${value.type === 'string' ? 'neither' : kindOf(value)}`,
      'write "7500", "127.0.0.1:7500", "[::1]:7500" or "unix:/path"',
    );
  return address;
}
