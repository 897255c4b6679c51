import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coverage, coveragePage, restingStates, unknownEvents, untested } from './coverage.ts';

const machines = coverage();

describe.each(machines)('the $name machine', (each) => {
  it('has a tested transition, action or refusal for every event in every state', () => {
    expect(untested(each)).toEqual([]);
  });

  it('names no event that the tables do not know', () => {
    expect(unknownEvents(each)).toEqual([]);
  });

  it('is tested in no state that it does not have', () => {
    const known = restingStates(each.machine);
    expect(each.cells.flatMap(({ states }) => states.filter((state) => !known.includes(state)))).toEqual([]);
  });

  it('would be short of a pair whose cell were missing', () => {
    const [first] = each.cells;
    const rest = each.cells.filter(({ event }) => event !== first?.event);
    expect(untested({ ...each, cells: rest })).toHaveLength(restingStates(each.machine).length);
    expect(unknownEvents({ ...each, events: [] })).not.toEqual([]);
  });
});

describe('docs/coverage.md', () => {
  it('is what the tables say: run npm run docs', async () => {
    await expect(coveragePage(machines)).toMatchFileSnapshot(
      join(import.meta.dirname, '..', '..', 'docs', 'coverage.md'),
    );
  });
});
