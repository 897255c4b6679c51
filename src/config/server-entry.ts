import type { EntryContext } from './entry-context.ts';
import { noteExpanded } from './expanded-values.ts';
import type { ExpandedValue } from './expanded-values.ts';
import { noteForeignKey } from './foreign-keys.ts';
import { kindOf } from './document-value.ts';
import type { JsonMember } from './document-value.ts';
import { nearestName } from './nearest-name.ts';
import { quoted } from './printable.ts';
import { readRemoteEntry, remoteKeys, urlKeys } from './remote-entry.ts';
import type { RemoteType } from './remote-entry.ts';
import { Report, membersOf } from './report.ts';
import type { ServerSettings } from './server-settings.ts';
import { readTimeouts } from './dialect-timeouts.ts';
import type { ServerSpec, TransportSpec } from './server-spec.ts';
import { readStdioEntry, stdioKeys } from './stdio-entry.ts';

const types: ReadonlyMap<string, 'stdio' | RemoteType> = new Map([
  ['stdio', 'stdio'],
  ['local', 'stdio'],
  ['http', 'http'],
  ['streamable-http', 'streamable-http'],
  ['streamableHttp', 'streamable-http'],
  ['streamable_http', 'streamable-http'],
  ['sse', 'sse'],
  ['ws', 'webSocket'],
  ['websocket', 'webSocket'],
  ['remote', 'remote'],
]);

const ownKeys: readonly string[] = ['type', 'enabled', 'disabled'];
const knownKeys: readonly string[] = [...ownKeys, ...stdioKeys, ...remoteKeys];

/**
 * Reads the entry of one server. Undefined when it cannot be used, and why is then in the report:
 * as problems, or as information when the entry is disabled and so nothing is missed.
 */
export async function readServerEntry(
  entry: JsonMember,
  context: EntryContext,
  options: ServerSettings,
  report: Report,
): Promise<ServerSpec | undefined> {
  if (entry.value.type !== 'object') {
    report.problem(
      entry.value,
      `a server must be an object, but it is ${kindOf(entry.value)}`,
      'write { "command": "…" } or { "url": "…" }',
    );
    return undefined;
  }
  const { rewrite, timeouts = {} } = context.dialect;
  const written = rewrite === undefined ? entry.value : { ...entry.value, members: rewrite(entry.value.members) };
  const members = membersOf(written, report);
  const times = readTimeouts(members, timeouts, report);
  const enabled = readEnabled(members, report);
  if (report.problems.length > 0) return undefined;

  const details = new Report(report.file, report.serverId);
  const expanded: ExpandedValue[] = [];
  const scope = { ...context.scope, onValue: (name: string, value: string) => void expanded.push({ name, value }) };
  const transport = await readTransport(entry, members, { ...context, scope }, details);
  if (enabled) report.add(details);
  else report.addAsInformation(details);
  if (transport !== undefined && details.problems.length === 0) {
    noteExpanded(transport.kind === 'stdio' ? transport.env : transport.headers, expanded);
    return {
      id: entry.name,
      source: { file: report.file, ...entry.at },
      enabled,
      transport,
      options: { ...times, ...options },
    };
  }
  return undefined;
}

async function readTransport(
  entry: JsonMember,
  members: ReadonlyMap<string, JsonMember>,
  context: EntryContext,
  report: Report,
): Promise<TransportSpec | undefined> {
  const type = readType(members.get('type'), report);
  const command = members.get('command');
  const [address, second] = urlKeys.flatMap((key) => members.get(key) ?? []);
  const others = new Map([...members].filter(([name]) => !Object.hasOwn(context.dialect.timeouts ?? {}, name)));
  noteOtherKeys(others, command !== undefined, address !== undefined, report);
  if (type === undefined) return undefined;
  if (address !== undefined && second !== undefined) {
    report.problem(second, `both ${quoted(address.name)} and ${quoted(second.name)} are given`, 'keep one of the two');
  } else if (command !== undefined && address !== undefined) {
    report.problem(
      address,
      `both "command" and ${quoted(address.name)} are given`,
      'keep "command" for a program, or the address for a remote server',
    );
  } else if (command !== undefined && (type === null || type === 'stdio')) {
    return readStdioEntry(members, command, context, report);
  } else if (address !== undefined && type !== 'stdio') {
    return readRemoteEntry(members, address, type, context, report);
  } else if (type === null) {
    report.problem(
      entry,
      'the server has neither "command" nor "url"',
      'add "command" for a program to start, or "url" for a remote server',
    );
  } else {
    const missing = type === 'stdio' ? 'command' : 'url';
    const place = { at: entry.at, path: `${entry.path}.${missing}` };
    report.problem(
      place,
      `"${missing}" is missing, and the "type" of the server demands it`,
      `add "${missing}", or correct "type"`,
    );
  }
  return undefined;
}

/** Null without a type; undefined when it is wrong, which is then reported. */
function readType(member: JsonMember | undefined, report: Report): 'stdio' | RemoteType | null | undefined {
  if (member === undefined) return null;
  const { value } = member;
  if (value.type !== 'string') {
    report.problem(value, `type must be a string, but it is ${kindOf(value)}`, 'write "stdio", "http", "sse" or "ws"');
    return undefined;
  }
  const type = types.get(value.text);
  if (type === undefined) {
    const nearest = nearestName(value.text, types.keys());
    const hint = nearest === undefined ? 'write "stdio", "http", "sse" or "ws"' : `did you mean ${quoted(nearest)}?`;
    report.problem(value, 'this "type" of server is not known', hint);
  }
  return type;
}

function readEnabled(members: ReadonlyMap<string, JsonMember>, report: Report): boolean {
  const enabled = readFlag(members.get('enabled'), report);
  const disabled = readFlag(members.get('disabled'), report);
  const contradiction = members.get('disabled');
  if (contradiction !== undefined && enabled !== undefined && enabled === disabled) {
    report.problem(contradiction, '"enabled" and "disabled" contradict each other', 'keep one of the two');
  }
  return enabled ?? !(disabled ?? false);
}

function readFlag(member: JsonMember | undefined, report: Report): boolean | undefined {
  if (member === undefined) return undefined;
  if (member.value.type === 'boolean') return member.value.flag;
  report.problem(
    member.value,
    `${member.name} must be true or false, but it is ${kindOf(member.value)}`,
    'write true or false, without quotes',
  );
  return undefined;
}

function noteOtherKeys(
  members: ReadonlyMap<string, JsonMember>,
  isProgram: boolean,
  isRemote: boolean,
  report: Report,
): void {
  const useless: readonly string[] = isProgram === isRemote ? [] : isProgram ? ['headers'] : stdioKeys;
  for (const [name, member] of members) {
    if (!knownKeys.includes(name)) noteForeignKey(member, knownKeys, report);
    else if (useless.includes(name))
      report.warn('warning', member, `ignored: it means nothing for a server with a ${isProgram ? 'command' : 'url'}`);
  }
}
