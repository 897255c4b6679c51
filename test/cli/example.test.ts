import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startLeakCheck } from '../../src/testing/index.ts';
import type { LeakCheck } from '../../src/testing/index.ts';

let leaks: LeakCheck;

beforeAll(() => {
  leaks = startLeakCheck();
});
afterAll(() => leaks.verify());

it('examples/embed.ts connects to a real server, watches it, calls a tool and lets go', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../../examples/embed.ts');
  const printed = log.mock.calls;
  log.mockRestore();
  expect(printed).toEqual([
    ['everything is healthy'],
    [[{ type: 'text', text: 'Echo: hello' }]],
    ['everything is disconnected'],
  ]);
}, 20_000);
