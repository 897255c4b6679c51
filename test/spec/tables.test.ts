import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { GroupMachineEvent } from '../../src/machines/group-events.ts';
import type { GenerationFact, SessionMachineEvent } from '../../src/machines/session-events.ts';
import { runsOf } from './run-case.ts';
import { type GroupCase, readTables, type SessionCase, specFolder, stepsOf } from './spec-tables.ts';

/** Where each event comes from: `given` by the tables, or from a timer of the machine, which the tables let run down instead. */
const sessionEvents = {
  'SESSION.OPEN': 'given',
  'SESSION.REOPEN': 'given',
  'SESSION.RECYCLE': 'given',
  'SESSION.DRAIN': 'given',
  'SESSION.ABANDON': 'given',
  'CIRCUIT.RESET': 'given',
  'LINK.SPAWNED': 'given',
  'LINK.OPENED': 'given',
  'LINK.FAULT': 'given',
  'LINK.DOWN': 'given',
  'LINK.RELEASED': 'given',
  'SESSION.LOST': 'given',
  'PING.OK': 'given',
  'PING.FAILED': 'given',
  'PING.VOID': 'given',
  HYDRATED: 'given',
  'HEALTH.TICK': 'given',
  'CALLS.FAILING': 'given',
  'CALLS.RECOVERED': 'given',
  'LATENCY.HIGH': 'given',
  'LATENCY.LOW': 'given',
  OVERLOAD: 'given',
  'CIRCUIT.TRIPPED': 'given',
  'CIRCUIT.PROVED': 'given',
  'INFLIGHT.ZERO': 'given',
  PERMIT: 'given',
  'TICKS.LOST': 'given',
  'OVERLOAD.OVER': 'timer',
  'REST.OVER': 'timer',
  STABLE: 'timer',
  'RECYCLE.DUE': 'timer',
  'CIRCUIT.DUE': 'timer',
  'CIRCUIT.RECYCLE': 'timer',
} as const satisfies Readonly<Record<SessionMachineEvent['type'], 'given' | 'timer'>>;

const groupEvents = {
  'MEMBER.CHANGED': 'given',
  'MEMBER.MOVED': 'given',
  'GROUP.FAILOVER': 'given',
  'GROUP.FAILBACK': 'given',
  'GROUP.REMOVE': 'given',
  'FAILBACK.DUE': 'timer',
  'DWELL.OVER': 'timer',
} as const satisfies Readonly<Record<GroupMachineEvent['type'], 'given' | 'timer'>>;

const generationFacts = {
  'LINK.SPAWNED': true,
  'LINK.OPENED': true,
  'LINK.FAULT': true,
  'LINK.DOWN': true,
  'LINK.RELEASED': true,
  'SESSION.LOST': true,
  'PING.OK': true,
  'PING.FAILED': true,
  'PING.VOID': true,
  HYDRATED: true,
  'HEALTH.TICK': true,
} as const satisfies Readonly<Record<GenerationFact['type'], true>>;

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
    ['session', sessionEvents],
    ['group', groupEvents],
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
