import { describe, expect, it } from 'vitest';
import { effectOf, eventsIn, type SituationName, situations } from './manager-cells.ts';
import { managerTable } from './manager-effects.ts';

describe.each(Object.keys(situations) as SituationName[])('a manager with %s', (situation) => {
  it.each(eventsIn(situation))('at "%s"', async (event) => {
    expect(await effectOf(situation, event)).toEqual(managerTable[situation][event] ?? []);
  });
});
