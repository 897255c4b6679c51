import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConnectPermit } from '../../src/actors/ports.ts';
import { createConnectLimiter } from '../../src/host/connect-limiter.ts';
import { createVirtualClock } from '../../src/testing/index.ts';

interface Attempt {
  readonly number: number;
  readonly origin: string | null;
  readonly leave: () => void;
  permit: ConnectPermit | null;
  grantedAt: number | null;
  left: boolean;
  released: boolean;
}

const origin = fc.constantFrom(null, 'https://a', 'https://b', 'https://c');
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('ask' as const), origin, releasesAtOnce: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(700) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stall' as const), ms: fc.nat(700) }) },
);

const limits = fc.record({
  burst: fc.integer({ min: 1, max: 16 }),
  perSecond: fc.constantFrom(1, 3, 10, 40),
  atOnce: fc.integer({ min: 1, max: 8 }),
  perOrigin: fc.integer({ min: 1, max: 3 }),
});

describe('whatever is asked, released and left in whatever order', () => {
  it('no cap is passed, no window of time exceeds burst + rate, order holds per origin, and whoever stays is granted', async () => {
    await fc.assert(
      fc.asyncProperty(limits, fc.array(step, { maxLength: 120 }), async (caps, steps) => {
        const clock = createVirtualClock();
        const limiter = createConnectLimiter({ clock, ...caps });
        const attempts: Attempt[] = [];
        const granted: Attempt[] = [];

        const isOut = (attempt: Attempt): boolean => attempt.permit !== null && !attempt.released;
        const release = (attempt: Attempt | undefined): void => {
          if (attempt?.permit == null) return;
          attempt.released = true;
          attempt.permit.release();
        };
        const checkCaps = (): void => {
          const out = attempts.filter(isOut);
          expect(out.length).toBeLessThanOrEqual(caps.atOnce);
          for (const each of ['https://a', 'https://b', 'https://c']) {
            expect(out.filter((attempt) => attempt.origin === each).length).toBeLessThanOrEqual(caps.perOrigin);
          }
        };
        const ask = (from: string | null, releasesAtOnce: boolean): void => {
          const onGranted = (permit: ConnectPermit): void => {
            expect([attempt.left, attempt.permit]).toEqual([false, null]);
            attempt.permit = permit;
            attempt.grantedAt = clock.monotonic();
            granted.push(attempt);
            checkCaps();
            if (releasesAtOnce) release(attempt);
          };
          const attempt: Attempt = {
            number: attempts.length,
            origin: from,
            leave: () => leave(),
            permit: null,
            grantedAt: null,
            left: false,
            released: false,
          };
          attempts.push(attempt);
          const leave = limiter.request({ origin: from }, onGranted);
        };

        for (const each of steps) {
          if (each.do === 'ask') ask(each.origin, each.releasesAtOnce);
          else if (each.do === 'wait') await clock.advance(each.ms);
          else if (each.do === 'stall') await clock.stall(each.ms);
          else {
            const candidates = attempts.filter(
              each.do === 'release' ? isOut : ({ permit, left }) => permit === null && !left,
            );
            const attempt = candidates[each.which % Math.max(1, candidates.length)];
            if (each.do === 'release') release(attempt);
            else if (attempt !== undefined) {
              attempt.left = true;
              attempt.leave();
            }
          }
          checkCaps();
        }

        const patienceMs = (attempts.length + 1) * (1_000 / caps.perSecond);
        const stays = attempts.filter((attempt) => !attempt.left);
        const deadline = clock.monotonic() + patienceMs;
        do {
          for (const attempt of attempts.filter(isOut)) release(attempt);
          await clock.advance(Math.min(50, Math.max(0, deadline - clock.monotonic())));
        } while (clock.monotonic() < deadline);
        expect(stays.every((attempt) => attempt.permit !== null)).toBe(true);
        for (const attempt of attempts) release(attempt);
        expect(clock.pendingTimers).toBe(0);

        const times = granted.map((attempt) => attempt.grantedAt ?? Number.NaN);
        times.forEach((start, first) => {
          for (let last = first; last < times.length; last += 1) {
            const windowMs = (times[last] ?? Number.NaN) - start;
            // Room for the rounding of sums of 1 000 / 3.
            expect(last - first + 1).toBeLessThanOrEqual(caps.burst + (caps.perSecond * windowMs) / 1_000 + 1e-6);
          }
        });
        for (const each of [null, 'https://a', 'https://b', 'https://c']) {
          const numbers = granted.filter((attempt) => attempt.origin === each).map(({ number }) => number);
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 300 },
    );
  });
});
