import { InvalidResultError } from '../errors/request-errors.ts';
import type { ListedTool } from '../link/tool-hash.ts';
import type { OutputValidator, Verdict } from '../validation/validator.ts';
import type { Call } from './call.ts';
import { endedError } from './call-failure.ts';
import type { CallTime } from './call-time.ts';
import type { SessionRecord } from './session-record.ts';

/**
 * Holds a tool's result against the schema that the tool declares. Undefined when there is nothing to wait for: the result is
 * good, or cannot be checked. Throws, or rejects with, `InvalidResultError`; with `CallAbortedError` when the call is aborted meanwhile.
 */
export function checkOutput(
  record: SessionRecord,
  call: Call<unknown>,
  result: Readonly<Record<string, unknown>>,
  time: CallTime,
  validator: OutputValidator,
): Promise<void> | undefined {
  const listed = call.tool === undefined ? undefined : record.tools.listed(call.tool);
  const schema = listed?.tool.outputSchema;
  if (listed === undefined || schema === undefined || !record.options.validateOutput || hasNoOutput(call, result)) {
    return undefined;
  }
  const verdict = validator.check({
    server: record.id,
    key: listed.outputHash,
    schema,
    value: result['structuredContent'],
  });
  if (!(verdict instanceof Promise)) {
    judge(record, listed, result, verdict);
    return undefined;
  }
  return judgeLater(record, call, listed, result, time, verdict);
}

/** The tool said that it failed, or has only begun. */
function hasNoOutput({ params }: Call<unknown>, result: Readonly<Record<string, unknown>>): boolean {
  return result['isError'] === true || (params?.['task'] !== undefined && result['task'] !== undefined);
}

async function judgeLater(
  record: SessionRecord,
  call: Call<unknown>,
  listed: ListedTool,
  result: Readonly<Record<string, unknown>>,
  time: CallTime,
  verdict: Promise<Verdict>,
): Promise<void> {
  const ended = new Promise<undefined>((resolve) => {
    time.onEnd = () => {
      resolve(undefined);
    };
    if (time.ending !== undefined) resolve(undefined);
  });
  const first = await Promise.race([verdict, ended]);
  time.onEnd = undefined;
  if (first !== undefined) judge(record, listed, result, first);
  // The answer is here: a call whose time ends while it is checked is not thrown away.
  else if (time.ending?.kind === 'aborted')
    throw endedError(record.id, record.generation, call, 'unknown', time.ending);
}

function judge(
  record: SessionRecord,
  { tool: { name } }: ListedTool,
  result: Readonly<Record<string, unknown>>,
  verdict: Verdict,
): void {
  if (verdict.kind === 'invalid') {
    throw new InvalidResultError(
      `Server "${record.id}" executed the call of tool "${name}", but its result does not meet the tool's own output schema: ${verdict.path === '' ? 'the structured content' : verdict.path} ${verdict.message}.`,
      { serverId: record.id, generation: record.generation, tool: name, path: verdict.path, result },
    );
  }
  if (verdict.kind === 'unchecked' && !verdict.repeated) {
    record.publish({ type: 'resultUnchecked', tool: name, reason: verdict.reason, message: verdict.message });
  }
}
