import { format } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startLeakCheck, type LeakCheck } from '../../src/testing/index.ts';

let leaks: LeakCheck;

beforeAll(() => {
  leaks = startLeakCheck({ settleMs: 10_000 });
});

afterAll(() => leaks.verify());

it('examples/agents/three-agents.ts has three agents use two real servers, and leaves nothing behind', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await import('../../examples/agents/three-agents.ts');
  const printed = log.mock.calls.map((parts) => format(...parts));
  log.mockRestore();
  const noteOf = (name: string): string => `{"name":"${name}","entityType":"agent","observations":["was here"]}`;
  expect(printed).toEqual([
    expect.stringMatching(/^\d\d tools, complete$/),
    'Vercel AI SDK: The sum of 2 and 3 is 5.',
    'OpenAI format: The sum of 2 and 3 is 5.',
    'LangChain: The sum of 2 and 3 is 5.',
    `notes: [${['Ada', 'Bob', 'Cleo'].map(noteOf).join()}]`,
  ]);
});
