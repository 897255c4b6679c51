import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { onAbort } from '../../src/manager/abort-listeners.ts';
import { outcomeOf, world } from './support.ts';

it('a hundred calls under one signal put one listener on it, which goes with the last of them', async () => {
  const w = world({ behaviour: { answersCalls: false } });
  const session = await w.add('a', { maxInFlight: 50 });
  const abort = new AbortController();
  const calls = Array.from({ length: 100 }, () => outcomeOf(session.callTool('echo', {}, { signal: abort.signal })));
  await w.clock.settle();
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(1);
  abort.abort('enough');
  await w.clock.settle();
  expect(calls.every((call) => call.error().code === 'CALL_ABORTED')).toBe(true);
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
  w.server('a').answersCalls = true;
  const later = new AbortController();
  await session.callTool('echo', {}, { signal: later.signal });
  expect(getEventListeners(later.signal, 'abort')).toHaveLength(0);
});

it('whoever stops listening is not told, the others are, once each', () => {
  const abort = new AbortController();
  const told: string[] = [];
  const stop = onAbort(abort.signal, () => told.push('stopped'));
  onAbort(abort.signal, () => told.push('first'));
  onAbort(abort.signal, () => told.push('second'));
  stop();
  stop();
  abort.abort();
  abort.signal.dispatchEvent(new Event('abort'));
  expect(told).toEqual(['first', 'second']);
});
