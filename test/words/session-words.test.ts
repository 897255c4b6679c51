import { expect, it } from 'vitest';
import { countdownWords, durationWords, latencyWords, stateWords } from '../../src/words/session-words.ts';
import { stateStyle } from '../../src/cli/state-style.ts';
import type { Phase } from '../../src/index.ts';
import { stateOfPhase } from '../../src/machines/connection-state.ts';
import { sessionInfo } from '../cli/session-info.ts';

it.each<[Phase, string]>([
  ['idle', 'disconnected (idle)'],
  ['connecting.waiting', 'connecting (waiting)'],
  ['connecting.opening', 'connecting (opening)'],
  ['connecting.verifying', 'connecting (verifying)'],
  ['connecting.hydrating', 'connecting (hydrating)'],
  ['connected.healthy', 'healthy'],
  ['connected.degraded', 'degraded'],
  ['connected.unhealthy', 'unhealthy'],
  ['releasing', 'disconnected (releasing)'],
  ['disconnected.backingOff', 'disconnected (backing off)'],
  ['disconnected.parked.auth', 'disconnected (needs auth)'],
  ['disconnected.parked.config', 'disconnected (bad config)'],
  ['disconnected.parked.crashLoop', 'disconnected (crash loop)'],
  ['disconnected.parked.incompatible', 'disconnected (incompatible)'],
  ['disconnected.stopped', 'disconnected (stopped)'],
  ['draining', 'disconnected (draining)'],
  ['closed', 'closed'],
])('phase %s reads "%s"', (phase, words) => {
  expect(stateWords(sessionInfo('a', { phase, state: stateOfPhase(phase, 'closed') }))).toBe(words);
  expect(words.length).toBeLessThanOrEqual(27);
});

it('a healthy connection behind an open circuit says so', () => {
  expect(stateWords(sessionInfo('a', { state: 'unhealthy', circuit: 'open' }))).toBe('unhealthy (circuit open)');
});

it('red is for what is wrong, not for what is idle or was closed on purpose', () => {
  expect(stateStyle(sessionInfo('a', { state: 'disconnected', phase: 'disconnected.backingOff' }))).toBe('red');
  expect(stateStyle(sessionInfo('a', { state: 'disconnected', phase: 'idle' }))).toBe('dim');
  expect(stateStyle(sessionInfo('a', { state: 'disconnected', phase: 'closed' }))).toBe('dim');
});

it('tells durations in at most seven columns', () => {
  const table: readonly [number, string][] = [
    [0, '0.0 s'],
    [3210, '3.2 s'],
    [9949, '9.9 s'],
    [9950, '10 s'],
    [59_499, '59 s'],
    [59_500, '1m00s'],
    [299_000, '4m59s'],
    [3_599_600, '1h00m'],
    [7_500_000, '2h05m'],
  ];
  expect(table.map(([ms]) => [ms, durationWords(ms)])).toEqual(table);
});

it('counts down to now', () => {
  expect([3200, 1, 0, -5].map(countdownWords)).toEqual(['in 3.2 s', 'in 0.0 s', 'now', 'now']);
});

it('tells short latencies more exactly', () => {
  expect([0.04, 9.94, 9.95, 1234.5].map(latencyWords)).toEqual(['0.0 ms', '9.9 ms', '10 ms', '1235 ms']);
});
