import { LinkError } from '../../src/link/fault.ts';
import { flat } from './json-text.ts';

/** What a request came to, in words; nothing but a result or a `LinkError` is right. */
export async function fateOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return 'answered';
  } catch (error) {
    return error instanceof LinkError ? 'failed' : `not ours: ${String(error)}`;
  }
}

/** What a request came to: the result in one line of text, the code of an error from the server, or `lost` with its reply. */
export async function endOf(answer: Promise<unknown>): Promise<string> {
  try {
    return flat(await answer);
  } catch (error) {
    if (!(error instanceof LinkError)) return `not ours: ${String(error)}`;
    const { failure } = error;
    if (failure.kind === 'rpc') return `rpc ${failure.rpcCode}`;
    if (failure.kind === 'link' && failure.fault.code === 'bad-answer') return 'link bad-answer';
    return failure.sent ? 'lost' : 'not sent';
  }
}
