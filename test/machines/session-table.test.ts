import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { effectOf, events, generationFacts, isOfCircuit, type StateName, states, timersOf } from './session-cells.ts';
import { sessionTable } from './session-effects.ts';

const stateNames = Object.keys(states) as StateName[];
/** Those of the circuit have a table of their own. */
const eventNames = (Object.keys(events) as (keyof typeof events)[]).filter((name) => !isOfCircuit(name));

// XState's development build warns of every event to an actor that is done, which `closed` is.
beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterAll(() => {
  vi.restoreAllMocks();
});

describe.each(stateNames)('%s', (state) => {
  const row = sessionTable[state];
  const cells = eventNames.flatMap((event) => {
    const effect = row[event];
    return effect === undefined ? [] : [[event, effect.to, effect] as const];
  });

  it.each(cells)('%s leads to %s', async (event, _phase, effect) => {
    expect(await effectOf(state, events[event])).toEqual({ timers: timersOf[state], ...effect });
  });

  it.each(eventNames.filter((event) => row[event] === undefined))('%s changes nothing', async (event) => {
    expect(await effectOf(state, events[event])).toBe('nothing');
  });

  it.each(Object.entries(generationFacts))('%s of an older generation only counts', async (_type, factOf) => {
    const bench = states[state]();
    const { phase } = bench;
    bench.stop();
    expect(await effectOf(state, (generation, atMs) => factOf(generation - 1, atMs))).toEqual(
      state === 'closed' ? 'nothing' : { to: phase, log: ['stale event counted'], timers: timersOf[state] },
    );
  });
});
