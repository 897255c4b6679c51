import { text as textOf } from 'node:stream/consumers';
import type { CallAnswer, Overview, SessionDetail } from '../service/index.ts';
import { exitCode } from './exit-codes.ts';
import { readArguments } from './parameters.ts';
import { withProgress } from './progress.ts';
import type { ServiceAnswer, ServiceClient } from './service-client.ts';
import type { StderrLines } from './stderr-lines.ts';
import { onOneLine } from './terminal-text.ts';
import { tellRefusal } from './tell-refusal.ts';
import { withService } from './with-service.ts';
import type { ActRequest } from './with-service.ts';

export interface CallToolRequest extends ActRequest {
  readonly json: boolean;
  /** The server or group. */
  readonly target: string;
  readonly tool: string;
  /** `name=value` each, or one `-`: the arguments are a JSON object on standard input. */
  readonly pairs: readonly string[];
}

/**
 * Calls a tool of a server or a group and writes what it returns: texts as they are, or all of it with `json`. Resolves to the exit code;
 * 1 also where the tool itself calls its result an error.
 */
export async function call(request: CallToolRequest, stderr: StderrLines): Promise<number> {
  const { target, tool, pairs, json } = request;
  return withService({ ...request, only: [target] }, stderr, async ({ client }) => {
    const found = await find(client, target);
    if (!found.ok) return tellRefusal(found.error, stderr);
    const { path, member } = found.body;
    const read =
      pairs.length === 1 && pairs[0] === '-' ? await fromInput() : await fromPairs(client, member, tool, pairs);
    if ('problem' in read) {
      stderr.line(`holdfast: ${read.problem}`);
      return exitCode.usage;
    }
    const { timeoutMs } = request;
    const body = { tool, arguments: read.args, ...(timeoutMs !== undefined && { timeoutMs }) };
    const sent = client.post<CallAnswer>(`${path}/call`, body);
    const answer = await withProgress(stderr, () => `${target} is being called`, sent);
    if (!answer.ok) return tellRefusal(answer.error, stderr);
    if (json) process.stdout.write(`${JSON.stringify(answer.body)}\n`);
    else tellResult(answer.body, stderr);
    return answer.body.result.isError === true ? exitCode.failed : exitCode.ok;
  });
}

type Read = { readonly args: Readonly<Record<string, unknown>> } | { readonly problem: string };

/** Where the target is called, and a server whose tools are those of the target. */
async function find(
  client: ServiceClient,
  target: string,
): Promise<ServiceAnswer<{ readonly path: string; readonly member: string }>> {
  const answer = await client.get<Overview>('/api/sessions');
  if (!answer.ok) return answer;
  const group = answer.body.groups.find(({ id }) => id === target);
  const kind = group === undefined ? 'sessions' : 'groups';
  const member = group?.active ?? group?.members[0]?.id ?? target;
  return { ok: true, body: { path: `/api/${kind}/${encodeURIComponent(target)}`, member } };
}

async function fromPairs(client: ServiceClient, server: string, name: string, pairs: readonly string[]): Promise<Read> {
  if (pairs.length === 0) return { args: {} };
  const answer = await client.get<SessionDetail>(`/api/sessions/${encodeURIComponent(server)}`);
  const tool = answer.ok ? answer.body.tools.find((each) => each.name === name) : undefined;
  return readArguments(pairs, tool?.inputSchema);
}

async function fromInput(): Promise<Read> {
  try {
    const args: unknown = JSON.parse(await textOf(process.stdin));
    if (typeof args === 'object' && args !== null && !Array.isArray(args)) return { args: { ...args } };
  } catch {
    // The same as any other text that is no object.
  }
  return { problem: 'standard input must be a JSON object with the arguments' };
}

function tellResult({ result }: CallAnswer, stderr: StderrLines): void {
  for (const content of result.content) {
    if (content.type === 'text') process.stdout.write(content.text.endsWith('\n') ? content.text : `${content.text}\n`);
    else stderr.line(`holdfast: there is content of the type ${onOneLine(content.type)}; --json shows it`);
  }
  if (result.content.length === 0 && result.structuredContent !== undefined)
    process.stdout.write(`${JSON.stringify(result.structuredContent)}\n`);
}
