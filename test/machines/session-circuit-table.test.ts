import { describe, expect, it } from 'vitest';
import { circuitTable, closedCircuitTable, healthy, inOrder, nothing, waitedFor } from './circuit-effects.ts';
import {
  type CircuitStateName,
  circuitStates,
  type Effect,
  effectOf,
  type EventName,
  events,
  generationFacts,
  isOfCircuit,
  type StateName,
  states,
  timersOf,
} from './session-cells.ts';

const stateNames = Object.keys(circuitStates) as CircuitStateName[];
const eventNames = Object.keys(events) as EventName[];

/** What a session does in this state whose circuit is closed for good, in the state of a circuit with timers of its own. */
async function asWhenClosed(state: CircuitStateName, event: EventName): Promise<Effect | 'nothing'> {
  const effect = await effectOf('healthy', events[event]);
  if (effect === 'nothing') return 'nothing';
  const { timers = [], to, changed } = effect;
  const recycling = state === waitedFor && to !== healthy && !to.startsWith('connected.') ? { recycling: false } : {};
  const changes = { ...changed, ...recycling };
  return {
    ...effect,
    ...(Object.keys(changes).length > 0 && { changed: changes }),
    timers: to.startsWith('connected.') ? inOrder(...timers, ...timersOf[state]) : timers,
  };
}

describe('a circuit that is closed for good', () => {
  const cells = (Object.keys(states) as StateName[]).flatMap((state) =>
    eventNames.filter((event) => isOfCircuit(event)).map((event) => [state, event] as const),
  );
  const effects = cells.flatMap(([state, event]) => {
    const effect = closedCircuitTable[state]?.[event];
    return effect === undefined ? [] : [[state, event, effect] as const];
  });

  it.each(effects)('opens in %s on %s', async (state, event, effect) => {
    expect(await effectOf(state, events[event])).toEqual(effect);
  });

  it.each(cells.filter(([state, event]) => closedCircuitTable[state]?.[event] === undefined))(
    'does nothing in %s on %s',
    async (state, event) => {
      expect(await effectOf(state, events[event])).toBe('nothing');
    },
  );
});

describe.each(stateNames)('a circuit that is %s', (state) => {
  const row = circuitTable[state];

  it.each(eventNames.filter((event) => row[event] !== undefined))('does as its table says on %s', async (event) => {
    const effect = row[event];
    const expected = effect === nothing ? 'nothing' : { timers: timersOf[state], ...effect };
    expect(await effectOf(state, events[event])).toEqual(expected);
  });

  it.each(eventNames.filter((event) => row[event] === undefined))('does not differ on %s', async (event) => {
    expect(await effectOf(state, events[event])).toEqual(await asWhenClosed(state, event));
  });

  it.each(Object.entries(generationFacts))('only counts %s of an older generation', async (_type, factOf) => {
    expect(await effectOf(state, (generation, atMs) => factOf(generation - 1, atMs))).toEqual({
      to: healthy,
      log: ['stale event counted'],
      timers: timersOf[state],
    });
  });
});
