import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for a fact: asks again every few milliseconds until the answer is truthy, and returns it.
 * Fails after `timeoutMs` (default 5000), with the last error if asking threw.
 */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  {
    timeoutMs = 5000,
    everyMs = 5,
    what = ask.toString(),
  }: { timeoutMs?: number; everyMs?: number; what?: string } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`Not true within ${timeoutMs} ms: ${what}`, { cause });
    await delay(everyMs);
  }
}
