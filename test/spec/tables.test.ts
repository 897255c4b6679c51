import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { groupEventTypes, sessionEventTypes } from '../machines/event-types.ts';
import { generationFacts } from '../machines/session-cells.ts';
import { runsOf } from './run-case.ts';
import { type GroupCase, readTables, type SessionCase, specFolder, stepsOf } from './spec-tables.ts';

const tables = readTables();

// XState's development build warns of every event to an actor that is done, which `closed` and `removed` are.
beforeAll(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterAll(() => {
  vi.restoreAllMocks();
});

describe.each(tables)('spec/%s', (_file, table) => {
  it.each(runsOf(table))('$name', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});

describe('the tables', () => {
  it('have one file for each area', () => {
    expect(tables.map(([file, { machine, area }]) => [file, machine, area])).toEqual([
      ['circuit.yml', 'session', 'circuit'],
      ['connecting.yml', 'session', 'connecting'],
      ['draining.yml', 'session', 'draining'],
      ['groups-failback.yml', 'group', 'groups, failback'],
      ['groups-switching.yml', 'group', 'groups, switching'],
      ['health.yml', 'session', 'health'],
      ['releasing.yml', 'session', 'releasing and disconnected'],
    ]);
  });

  it.each([
    ['session', sessionEventTypes],
    ['group', groupEventTypes],
  ] as const)(
    'may give the %s machine the events that are not its own timers, and give each of them',
    (machine, all) => {
      const given = Object.entries(all).flatMap(([type, from]) => (from === 'given' ? [type] : []));
      expect(typesOfSchema(machine).toSorted()).toEqual(given.toSorted());
      const used = tables.flatMap(([, table]) => (table.machine === machine ? table.cases.flatMap(eventsOf) : []));
      expect(given.filter((type) => !used.includes(type))).toEqual([]);
    },
  );

  it.each(tables.filter(([, { machine }]) => machine === 'session'))(
    'of spec/%s have a case of an older generation for every fact',
    (_file, table) => {
      const stale = table.machine === 'session' ? table.cases.flatMap(staleFactsOf) : [];
      expect(Object.keys(generationFacts).filter((type) => !stale.includes(type))).toEqual([]);
    },
  );
});

function eventsOf(each: SessionCase | GroupCase): readonly string[] {
  return stepsOf<{ readonly type: string }, unknown>(each).flatMap(({ event }) =>
    event === undefined ? [] : [event.type],
  );
}

/** The facts whose generation is over when they come, and which are counted for it. */
function staleFactsOf(each: SessionCase): readonly string[] {
  let current = each.starts?.generation ?? 0;
  return stepsOf(each).flatMap(({ event, expect: { generation, staleEvents } }) => {
    const isStale = event?.generation !== undefined && event.generation < current && staleEvents !== undefined;
    current = generation ?? current;
    return isStale ? [event.type] : [];
  });
}

/** The types of events that the schema lets the tables use. */
function typesOfSchema(machine: 'session' | 'group'): readonly string[] {
  const schema = JSON.parse(readFileSync(join(specFolder, 'schema.json'), 'utf8')) as {
    readonly definitions: Readonly<
      Record<
        `${typeof machine}Event`,
        { readonly oneOf: readonly { readonly properties: { readonly type: { const?: string; enum?: string[] } } }[] }
      >
    >;
  };
  return schema.definitions[`${machine}Event`].oneOf.flatMap(
    ({ properties: { type } }) => type.enum ?? [type.const ?? ''],
  );
}
