/** Memory at one moment. */
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** How fast something grows, with the interval in which the true slope lies with a confidence of 95 %. */
export interface Slope {
  readonly bytesPerMinute: number;
  readonly from: number;
  readonly to: number;
}

/** For a two-sided confidence of 95 %. */
const z = 1.96;

/**
 * The Theil–Sen estimate: the median of the slopes between all pairs of samples, with Sen's interval for it. A few samples that lie
 * far off move neither. Null for fewer than ten samples.
 */
export function slopeOf(samples: readonly Sample[]): Slope | null {
  const count = samples.length;
  if (count < 10) return null;
  const slopes: number[] = [];
  for (const [index, one] of samples.entries()) {
    for (const other of samples.slice(index + 1)) {
      if (other.atMs > one.atMs) slopes.push(((other.bytes - one.bytes) / (other.atMs - one.atMs)) * 60_000);
    }
  }
  slopes.sort((a, b) => a - b);
  const spread = z * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18);
  const at = (index: number): number => slopes[Math.min(Math.max(Math.round(index), 0), slopes.length - 1)] ?? 0;
  return {
    bytesPerMinute: at((slopes.length - 1) / 2),
    from: at((slopes.length - spread) / 2 - 1),
    to: at((slopes.length + spread) / 2),
  };
}
