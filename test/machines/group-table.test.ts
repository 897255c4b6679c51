import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { effectOf, type EventName, events, type StateName, states } from './group-cells.ts';
import { groupTable } from './group-effects.ts';

describe.each(Object.keys(states) as StateName[])('a group that is %s', (state) => {
  const warn = vi.spyOn(console, 'warn');
  beforeAll(() => {
    // XState warns of every event to an actor that has ended.
    warn.mockImplementation(() => undefined);
  });
  afterAll(() => {
    warn.mockRestore();
  });

  it.each(Object.keys(events) as EventName[])('at "%s"', (event) => {
    expect(effectOf(state, events[event])).toEqual(groupTable[state][event] ?? []);
  });
});
