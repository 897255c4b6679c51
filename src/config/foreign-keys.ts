import type { JsonMember } from './document-value.ts';
import { nearestName } from './nearest-name.ts';
import { quoted } from './printable.ts';
import type { Report } from './report.ts';

const approval = "ignored: approval is the host's job";
const filtering = "ignored: choosing tools is the host's job";
const presentation = 'ignored: it only describes the server';
const timeout = 'ignored: its unit differs from host to host; set callTimeoutMs or connectTimeoutMs under "holdfast"';
const authorization = 'not supported yet: send a token with "headers"';

/** Keys of other hosts that change nothing about how a server is held. */
const foreign: ReadonlyMap<string, string> = new Map([
  ['autoApprove', approval],
  ['alwaysAllow', approval],
  ['trust', approval],
  ['disabledTools', filtering],
  ['includeTools', filtering],
  ['excludeTools', filtering],
  ['sandbox', "ignored: sandboxing is the host's job; the server runs without one"],
  ['sandboxEnabled', "ignored: sandboxing is the host's job; the server runs without one"],
  ['dev', "ignored: watching and debugging are the host's job"],
  ['watchPaths', "ignored: watching and debugging are the host's job"],
  ['name', presentation],
  ['title', presentation],
  ['description', presentation],
  ['icon', presentation],
  ['iconPath', presentation],
  ['gallery', presentation],
  ['version', presentation],
  ['metadata', presentation],
  ['chatMenu', presentation],
  ['serverInstructions', presentation],
  ['source', presentation],
  ['remoteConfigured', presentation],
  ['enabled_tools', filtering],
  ['disabled_tools', filtering],
  ['required', 'ignored: every server of the file is held'],
  ['startup', 'ignored: every server of the file is held'],
  ['stderr', 'ignored: what a server writes to stderr is in the log'],
]);

/** Keys of other hosts whose meaning is lost by leaving them out. */
const missed: ReadonlyMap<string, string> = new Map([
  ['timeout', timeout],
  ['initTimeout', timeout],
  ['sseReadTimeout', timeout],
  ['oauth', authorization],
  ['auth', authorization],
  ['requiresOAuth', authorization],
  ['oauth_headers', authorization],
  ['apiKey', authorization],
  ['authProviderType', authorization],
  ['obo', authorization],
  ['customUserVars', 'ignored: holdfast has no users; write variables of the environment'],
  ['tcp', 'ignored: an address under this key is not supported; give the server an http:// or ws:// "url"'],
  ['headersHelper', 'ignored: holdfast runs no command to read a configuration; use "headers" with variables'],
]);

/** Notes a key of a server entry that holdfast does not read: never a problem, whoever wrote it. */
export function noteForeignKey(member: JsonMember, known: readonly string[], report: Report): void {
  const ignored = foreign.get(member.name);
  const lost = missed.get(member.name);
  if (ignored !== undefined) report.warn('info', member, ignored);
  else if (lost !== undefined) report.warn('warning', member, lost);
  else {
    const nearest = nearestName(member.name, known);
    const hint = nearest === undefined ? '' : `; did you mean ${quoted(nearest)}?`;
    report.warn('warning', member, `ignored: ${quoted(member.name)} is not a key that holdfast knows${hint}`);
  }
}
