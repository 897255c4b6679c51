import { setTimeout as delay } from 'node:timers/promises';
import type { LogLine, LogPage } from '../service/index.ts';
import { exitCode } from './exit-codes.ts';
import type { ServiceAnswer, ServiceClient } from './service-client.ts';
import type { StderrLines } from './stderr-lines.ts';
import { tellRefusal } from './tell-refusal.ts';
import { onOneLine, shownId, timeOfDay } from './terminal-text.ts';
import { attach } from './with-service.ts';

export interface LogsRequest {
  readonly files: readonly string[];
  /** The server or group; undefined: all. */
  readonly id: string | undefined;
  /** True: goes on with what is written from now on. */
  readonly follow: boolean;
  readonly json: boolean;
}

const lookEveryMs = 300;

/**
 * Tells what the servers of a running `up` wrote to stderr and what happened to them: the last lines, and with `follow` those to come until it
 * ends. Resolves to the exit code.
 */
export async function logs({ files, id, follow, json }: LogsRequest, stderr: StderrLines): Promise<number> {
  const client = await attach(files);
  if (client === undefined) {
    stderr.line('holdfast: nobody holds this configuration: start `holdfast up` with it first');
    return exitCode.failed;
  }
  let after = 0;
  for (;;) {
    const answer = await page(client, after, id);
    if (answer === undefined) return exitCode.ok;
    if (!answer.ok) return tellRefusal(answer.error, stderr);
    const { lines, next, missed } = answer.body;
    if (missed > 0 && after > 0) stderr.line(`holdfast: ${missed} lines were gone before they could be read`);
    for (const line of lines) process.stdout.write(json ? `${JSON.stringify(line)}\n` : told(line));
    after = next;
    if (follow) await delay(lookEveryMs);
    // Whoever has read it has had enough.
    if (!follow || process.stdout.errored !== null) return exitCode.ok;
  }
}

/** Undefined when nobody answers any more. */
async function page(
  client: ServiceClient,
  after: number,
  id: string | undefined,
): Promise<ServiceAnswer<LogPage> | undefined> {
  const query = new URLSearchParams({ after: String(after), ...(id === undefined ? {} : { id }) });
  try {
    return await client.get<LogPage>(`/api/logs?${query.toString()}`);
  } catch {
    return undefined;
  }
}

function told({ at, id, source, text }: LogLine): string {
  const who = id === null ? '' : `${shownId(id)} `;
  return `${timeOfDay(at)}  ${who}${source === 'stderr' ? '| ' : ''}${onOneLine(text)}\n`;
}
