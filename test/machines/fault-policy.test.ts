import { describe, expect, it } from 'vitest';
import type { FaultKind } from '../../src/link/fault.ts';
import { classify } from '../../src/machines/fault-policy.ts';
import { defaultReconnect } from '../../src/machines/reconnect-policy.ts';
import { blankMemory } from '../../src/machines/session-context.ts';
import { fault } from './session-bench.ts';

const kinds = {
  spawn: 'config',
  exit: 'backingOff',
  unreachable: 'backingOff',
  transport: 'backingOff',
  timeout: 'backingOff',
  'session-lost': 'backingOff',
  auth: 'auth',
  overload: 'backingOff',
  incompatible: 'incompatible',
  protocol: 'backingOff',
  config: 'config',
  internal: 'backingOff',
  closed: 'backingOff',
} as const satisfies Readonly<Record<FaultKind, string>>;

describe('classify', () => {
  it.each(Object.entries(kinds))('sends a session with a fault of kind %s to %s', (kind, rest) => {
    expect(classify(fault(kind as FaultKind), blankMemory, defaultReconnect)).toBe(rest);
  });

  it.each(Object.keys(kinds))('stops it after a fault of kind %s when reconnection is disabled', (kind) => {
    expect(
      classify(
        fault(kind as FaultKind),
        { ...blankMemory, exits: [1, 2, 3, 4, 5, 6] },
        { ...defaultReconnect, enabled: false },
      ),
    ).toBe('stopped');
  });

  it('sees a crash loop in the sixth recent exit', () => {
    expect(classify(fault('exit'), { ...blankMemory, exits: [1, 2, 3, 4, 5] }, defaultReconnect)).toBe('backingOff');
    expect(classify(fault('exit'), { ...blankMemory, exits: [1, 2, 3, 4, 5, 6] }, defaultReconnect)).toBe('crashLoop');
  });

  it('sees none in a fault of another kind, however many exits there were', () => {
    expect(classify(fault('transport'), { ...blankMemory, exits: [1, 2, 3, 4, 5, 6] }, defaultReconnect)).toBe(
      'backingOff',
    );
    expect(classify(fault('auth'), { ...blankMemory, exits: [1, 2, 3, 4, 5, 6] }, defaultReconnect)).toBe('auth');
  });
  it('holds a crash loop that was slowed down: one more exit is enough, however old the others are', () => {
    expect(classify(fault('exit'), { exits: [1], parkedFor: 'crashLoop' }, defaultReconnect)).toBe('crashLoop');
  });

  it.each(['auth', 'config', 'incompatible', null] as const)(
    'holds no crash loop in one that was parked for %s',
    (parkedFor) => {
      expect(classify(fault('exit'), { exits: [1], parkedFor }, defaultReconnect)).toBe('backingOff');
    },
  );

  it('lets every other fault have its say in a crash loop', () => {
    const past = { exits: [1, 2, 3, 4, 5, 6], parkedFor: 'crashLoop' } as const;
    const rests = Object.keys(kinds).map((kind) => [kind, classify(fault(kind as FaultKind), past, defaultReconnect)]);
    expect(Object.fromEntries(rests)).toEqual({ ...kinds, exit: 'crashLoop' });
    expect(classify(fault('exit'), past, { ...defaultReconnect, enabled: false })).toBe('stopped');
  });
});
