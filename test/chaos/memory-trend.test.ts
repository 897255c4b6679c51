import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '../../src/testing/index.ts';
import { slopeOf, type Sample } from './memory-trend.ts';

const { between } = createSeededRandom(5);

/** A sample each second, around a line, within `noise` bytes. */
const line = (bytesPerSecond: number, noise: number, count = 100): Sample[] =>
  Array.from({ length: count }, (_, second) => ({
    atMs: second * 1_000,
    bytes: 1e6 + second * bytesPerSecond + between(-noise, noise),
  }));

describe('the slope of memory', () => {
  it('is the slope of a line, exactly', () => {
    expect(slopeOf(line(10, 0))).toEqual({ bytesPerMinute: 600, from: 600, to: 600 });
  });

  it('lies within its interval where there is noise, and the interval does not hold zero', () => {
    const slope = slopeOf(line(100, 2_000));
    expect(slope?.from).toBeGreaterThan(0);
    expect(slope?.from).toBeLessThan(6_000);
    expect(slope?.to).toBeGreaterThan(6_000);
  });

  it('has an interval that holds zero where there is noise alone', () => {
    const slope = slopeOf(line(0, 2_000));
    expect(slope?.from).toBeLessThan(0);
    expect(slope?.to).toBeGreaterThan(0);
  });

  it('is not moved by a few samples that lie far off', () => {
    const samples = line(10, 0).map((sample, second) => (second % 20 === 7 ? { ...sample, bytes: 9e9 } : sample));
    expect(slopeOf(samples)?.bytesPerMinute).toBe(600);
  });

  it('is not told of fewer than ten samples', () => {
    expect(slopeOf(line(10, 0, 9))).toBeNull();
  });
});
