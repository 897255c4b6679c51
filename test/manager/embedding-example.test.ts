import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startLeakCheck, type LeakCheck } from '../../src/testing/index.ts';

let leaks: LeakCheck;

beforeAll(() => {
  leaks = startLeakCheck({ settleMs: 10_000 });
});

afterAll(() => leaks.verify());

it('examples/embedded-machine.ts holds two real servers in a machine of its own, fails over, and leaves nothing behind', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../../examples/embedded-machine.ts');
  const printed = log.mock.calls;
  log.mockRestore();
  expect(printed).toEqual([
    ['served by primary'],
    [[{ type: 'text', text: 'Echo: hello' }]],
    ['served by backup'],
    [[{ type: 'text', text: 'Echo: hello again' }]],
    ['0 servers are left'],
  ]);
});
