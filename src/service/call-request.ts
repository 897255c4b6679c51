import type { CallRequest } from './wire.ts';

/** The longest time that a timer can wait, in milliseconds. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** What a body asks for, or what is wrong with it. */
export type ReadCall = { readonly call: CallRequest } | { readonly problem: string };

/** Reads the body of a call. */
export function readCall(body: unknown): ReadCall {
  if (!isRecord(body)) return { problem: 'The body must be a JSON object with "tool".' };
  const { tool, arguments: args, timeoutMs } = body;
  if (typeof tool !== 'string' || tool === '') return { problem: '"tool" must be the name of a tool.' };
  if (args !== undefined && !isRecord(args)) return { problem: '"arguments" must be an object.' };
  if (timeoutMs !== undefined && !isDuration(timeoutMs))
    return { problem: `"timeoutMs" must be a number of milliseconds from 1 to ${LONGEST_TIMER_MS}.` };
  return {
    call: {
      tool,
      ...(args === undefined ? {} : { arguments: args }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    },
  };
}

const isDuration = (value: unknown): value is number =>
  typeof value === 'number' && value >= 1 && value <= LONGEST_TIMER_MS;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
