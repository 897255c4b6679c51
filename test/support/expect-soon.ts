import { expect } from 'vitest';

/** As `expect`, and asked again and again for as long as the slowest machine may need. */
export function expectSoon<T>(ask: () => T) {
  return expect.poll(ask, { timeout: 60_000 });
}
