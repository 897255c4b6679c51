import { LinkError } from '../../src/link/fault.ts';

/** What a request came to, in words; nothing but a result or a `LinkError` is right. */
export async function fateOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return 'answered';
  } catch (error) {
    return error instanceof LinkError ? 'failed' : `not ours: ${String(error)}`;
  }
}
