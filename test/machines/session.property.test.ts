import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Phase } from '../../src/machines/connection-state.ts';
import { phases } from './phases.ts';
import { SessionRun } from './session-run.ts';
import { sessionPolicy, step } from './session-steps.ts';

/** Ways that only a long enough run takes. */
const ways = [
  'connected.unhealthy → connected.healthy',
  'connected.unhealthy → connected.degraded',
  'connected.unhealthy → releasing',
  'connected.degraded → connected.healthy',
  'disconnected.stopped → connecting.waiting',
  'disconnected.parked.auth → connecting.waiting',
  'releasing → connecting.waiting',
  'releasing → connecting.opening',
  'draining → releasing',
];

/** The ways of the circuit that its table has, within one connection and from one to the next. */
const circuitWays = [
  'normal → open',
  'open → halfOpen',
  'halfOpen → open',
  'halfOpen → probation',
  'probation → open',
  'probation → normal',
  'open → normal',
  'halfOpen → normal',
  'undefined → open',
  'undefined → halfOpen',
  'undefined → probation',
  'open → undefined',
  'halfOpen → undefined',
];

const randoms = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 });

describe('whatever happens to a session in whatever order', () => {
  it('its invariants hold after every step, and every phase is reached in the course of it', () => {
    const reached = new Set<Phase>();
    const taken = new Set<string>();
    const circuitTaken = new Set<string>();
    const property = fc.property(
      sessionPolicy,
      randoms,
      fc.array(step, { maxLength: 160, size: 'max' }),
      (policy, chances, steps) => {
        let draws = 0;
        const run = new SessionRun(policy, () => chances[draws++ % chances.length] ?? 0);
        for (const each of steps) {
          if (run.isOver) break;
          const from = run.phase;
          const { circuit } = run;
          run.take(each);
          reached.add(run.phase);
          taken.add(`${from} → ${run.phase}`);
          circuitTaken.add(`${circuit} → ${run.circuit}`);
        }
      },
    );
    const isAllThere = (): boolean =>
      phases.every((phase) => reached.has(phase)) &&
      ways.every((way) => taken.has(way)) &&
      circuitWays.every((way) => circuitTaken.has(way));
    // What is rare is missed by one round in some hundred: it gets a few more.
    for (let round = 0; round < 5 && !isAllThere(); round += 1) fc.assert(property, { numRuns: 400 });
    expect(phases.filter((phase) => !reached.has(phase))).toEqual([]);
    expect(ways.filter((way) => !taken.has(way))).toEqual([]);
    expect(circuitWays.filter((way) => !circuitTaken.has(way))).toEqual([]);
  }, 60_000);
});
