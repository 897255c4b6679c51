/** The numbers that the benchmarks print of what they measured. */

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

export const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1];

/**
 * What the median of all possible rounds lies above with a confidence of at least 95 %, by the sign test: the greatest of the
 * measured values that so few lie below that chance alone would seldom do it. Undefined for fewer than five values.
 */
export function lowerBound(values) {
  const sorted = values.toSorted((a, b) => a - b);
  let ways = 1;
  let probability = 0;
  for (let below = 0; below < sorted.length; below += 1) {
    probability += ways / 2 ** sorted.length;
    if (probability > 0.05) return sorted[below - 1];
    ways = (ways * (sorted.length - below)) / (below + 1);
  }
  return undefined;
}

/** `min–max`. */
export const range = (values, digits) =>
  `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`;
