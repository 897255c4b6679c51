import { bareRecord } from './bare-record.ts';
import type { Dialect } from './dialects.ts';
import type { EntryContext } from './entry-context.ts';
import type { VariableScope } from './expand-variables.ts';
import { kindOf } from './document-value.ts';
import type { JsonMember } from './document-value.ts';
import { quoted } from './printable.ts';
import { membersOf } from './report.ts';
import type { Report } from './report.ts';
import type { HttpSpec, WebSocketSpec } from './server-spec.ts';
import { readFilledText, readText } from './text-value.ts';

/** What an address can be called. */
export const urlKeys = ['url', 'serverUrl', 'httpUrl'] as const;

/** The keys that only an entry with an address has. */
export const remoteKeys = [...urlKeys, 'headers'] as const;

/** What the `type` of an entry with an address can say. */
export type RemoteType = 'http' | 'streamable-http' | 'sse' | 'remote' | 'webSocket';

/** Schemes that another host understands; naming them gives away nothing of the address. */
const foreignSchemes: ReadonlySet<string> = new Set(['unix:', 'pipe:', 'tcp:', 'file:']);

/** Reads an entry with an address. What is wrong is reported, and then the result is not to be used. */
export function readRemoteEntry(
  members: ReadonlyMap<string, JsonMember>,
  address: JsonMember,
  type: RemoteType | null,
  { dialect, scope }: EntryContext,
  report: Report,
): HttpSpec | WebSocketSpec {
  const headers = readHeaders(members.get('headers'), scope, report);
  const url = readFilledText(address.value, address.name, scope, report)?.trim() ?? '';
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  const overWebSocket = type === null || type === 'remote' ? /^wss?:$/.test(protocol) : type === 'webSocket';
  if (url !== '') checkProtocol(protocol, overWebSocket, type, address, report);
  return overWebSocket
    ? { kind: 'webSocket', url, headers }
    : { kind: 'http', url, headers, mode: modeOf(type, address, dialect) };
}

function modeOf(type: RemoteType | null, address: JsonMember, dialect: Dialect): HttpSpec['mode'] {
  if (type === 'sse' || type === 'streamable-http') return type;
  if (type === 'http') return dialect.httpMode;
  return address.name === 'httpUrl' ? 'streamable-http' : 'auto';
}

function checkProtocol(
  protocol: string,
  overWebSocket: boolean,
  type: RemoteType | null,
  address: JsonMember,
  report: Report,
): void {
  if (overWebSocket ? /^wss?:$/.test(protocol) : /^https?:$/.test(protocol)) return;
  if (foreignSchemes.has(protocol)) {
    report.problem(
      address.value,
      `an address that begins with ${protocol} is not supported yet`,
      'give the server an http:// or https:// address',
    );
    return;
  }
  const [wanted, example] = overWebSocket
    ? ['ws:// or wss://', 'wss://example.com/mcp']
    : ['http:// or https://', 'https://example.com/mcp'];
  const because = type === null || type === 'remote' ? '' : ', as its "type" demands';
  report.problem(
    address.value,
    `${address.name} is not a whole ${wanted} address${because}`,
    `write it like ${example}`,
  );
}

function readHeaders(
  member: JsonMember | undefined,
  scope: VariableScope,
  report: Report,
): Readonly<Record<string, string>> {
  const headers = new Map<string, string>();
  if (member === undefined) return bareRecord(headers);
  if (member.value.type !== 'object') {
    report.problem(
      member.value,
      `headers must be an object, but it is ${kindOf(member.value)}`,
      'write "headers": { "Name": "value" }',
    );
    return bareRecord(headers);
  }
  for (const [name, { at, path, value }] of membersOf(member.value, report)) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) {
      report.problem({ at, path }, `${quoted(name)} cannot be the name of a header`, 'use letters, digits and hyphens');
      continue;
    }
    const text = readText(value, 'the value of a header', scope, report);
    if (text === undefined) continue;
    if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) {
      report.problem(
        value,
        'the value of a header holds a character that HTTP does not allow',
        'remove line breaks and non-Latin characters',
      );
    }
    headers.set(name, text);
  }
  return bareRecord(headers);
}
