import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { FaultKind } from '../../src/link/fault.ts';
import { stateOfPhase, type Phase } from '../../src/machines/connection-state.ts';
import { classify } from '../../src/machines/fault-policy.ts';
import { defaultReconnect, parkMs } from '../../src/machines/reconnect-policy.ts';
import { rowsUnder } from './doc-tables.ts';

const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'architecture.md'), 'utf8');

const phases = {
  idle: 0,
  'connecting.waiting': 0,
  'connecting.opening': 0,
  'connecting.verifying': 0,
  'connecting.hydrating': 0,
  'connected.healthy': 0,
  'connected.degraded': 0,
  'connected.unhealthy': 0,
  draining: 0,
  releasing: 0,
  'disconnected.backingOff': 0,
  'disconnected.parked.auth': 0,
  'disconnected.parked.config': 0,
  'disconnected.parked.crashLoop': 0,
  'disconnected.parked.incompatible': 0,
  'disconnected.stopped': 0,
  closed: 0,
} satisfies Record<Phase, 0>;

const kinds = {
  spawn: 0,
  exit: 0,
  unreachable: 0,
  transport: 0,
  timeout: 0,
  'session-lost': 0,
  auth: 0,
  overload: 0,
  incompatible: 0,
  protocol: 0,
  config: 0,
  internal: 0,
  closed: 0,
} satisfies Record<FaultKind, 0>;

it('every phase is in the table, with the state that it shows as', () => {
  const rows = rowsUnder(text, 'phase').map(([phase, state]) => [phase, state]);
  expect(rows).toEqual((Object.keys(phases) as Phase[]).map((phase) => [phase, stateOfPhase(phase, 'closed')]));
});

it('every kind of fault is in the table, with the state that it leads to', () => {
  const rows = rowsUnder(text, 'fault').map(([kind, , rest = '']) => [kind, rest.split(';')[0]]);
  expect(rows).toEqual(
    (Object.keys(kinds) as FaultKind[]).map((kind) => {
      const rest = classify({ kind, code: '', message: '' }, { exits: [], parkedFor: null }, defaultReconnect);
      return [kind, rest === 'backingOff' || rest === 'stopped' ? rest : `parked.${rest}`];
    }),
  );
});

it('the times of the parked states are those of the policy', () => {
  const minutes = (ms: number): string => `${ms / 60_000} min`;
  const rows = new Map(rowsUnder(text, 'phase').map(([phase, , , next]) => [phase, next]));
  const auth = [0, 1, 2].map((parks) => minutes(parkMs('auth', parks, defaultReconnect)));
  expect(rows.get('disconnected.parked.auth')).toBe(`${auth[0]}, then ${auth[1]}, then every ${auth[2]}`);
  expect(rows.get('disconnected.parked.config')).toBe(`every ${minutes(parkMs('config', 0, defaultReconnect))}`);
  expect(rows.get('disconnected.parked.incompatible')).toBe(
    `every ${minutes(parkMs('incompatible', 0, defaultReconnect))}`,
  );
  expect(rows.get('disconnected.parked.crashLoop')).toContain('300 000');
  expect(parkMs('crashLoop', 0, defaultReconnect)).toBe(300_000);
});
