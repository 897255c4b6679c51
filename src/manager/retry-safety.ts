import type { ListedTool } from '../link/tool-hash.ts';
import type { Call } from './call.ts';
import type { SessionRecord } from './session-record.ts';

/** Requests of the protocol that change nothing, by the protocol's own word. */
const reads: ReadonlySet<string> = new Set([
  'ping',
  'server/discover',
  'tools/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
  'completion/complete',
]);

/** The call is to be sent once at most, whatever is known of it: its caller says so, or the owner of the tool on this server. */
export function isSentOnce<Result>(call: Call<Result>, record: SessionRecord): boolean {
  return call.isCheck === true || call.options.retry === 'never' || wordOfOwner(call, record) === 'never';
}

/**
 * Whether this server may execute the call although another attempt of it may have been executed already. Evidence is what the protocol
 * says of its own reads, the word of the caller or of the tool's owner, and, on a server whose annotations are trusted, the
 * annotations of the tool, if the tool is still the one that was called. A name is never evidence.
 */
export function isSafeAgain<Result>(
  call: Call<Result>,
  record: SessionRecord,
  calledBefore: ListedTool | undefined,
): boolean {
  if (isSentOnce(call, record)) return false;
  if (call.options.retry === 'safe' || wordOfOwner(call, record) === 'safe') return true;
  if (call.method !== 'tools/call') return reads.has(call.method);
  if (!record.options.trustAnnotations || call.tool === undefined) return false;
  const listed = record.tools.listed(call.tool);
  return listed !== undefined && listed.hash === calledBefore?.hash && isHarmless(listed);
}

function wordOfOwner<Result>({ tool }: Call<Result>, { options }: SessionRecord): 'safe' | 'never' | undefined {
  const { tools } = options;
  return tool !== undefined && Object.hasOwn(tools, tool) ? tools[tool]?.retry : undefined;
}

function isHarmless({ tool: { annotations } }: ListedTool): boolean {
  return annotations?.['readOnlyHint'] === true || annotations?.['idempotentHint'] === true;
}
