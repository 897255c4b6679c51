import { isJsonObject } from './json-object.ts';

/** What may be handed to the worker: copying it blocks the caller for about 4 ms per million of weight. */
export interface WeightLimits {
  /** Characters of all strings and keys, and 8 for each value. */
  readonly maxWeight: number;
  /** Levels of objects and arrays. */
  readonly maxDepth: number;
}

/** The limit that a JSON value exceeds, as `more than 64 levels deep`; null when it keeps both. Walks no further than the limits. */
export function excessOf(value: unknown, { maxWeight, maxDepth }: WeightLimits): string | null {
  let left = maxWeight;
  let tooDeep = false;

  function fits(item: unknown, levels: number): boolean {
    left -= typeof item === 'string' ? 8 + item.length : 8;
    if (left < 0 || typeof item !== 'object' || item === null) return left >= 0;
    if (levels === 0) {
      tooDeep = true;
      return false;
    }
    if (Array.isArray(item)) return item.every((each) => fits(each, levels - 1));
    return (
      isJsonObject(item) &&
      Object.keys(item).every((key) => {
        left -= key.length;
        return fits(item[key], levels - 1);
      })
    );
  }

  if (fits(value, maxDepth)) return null;
  return tooDeep ? `more than ${maxDepth} levels deep` : `larger than ${maxWeight / 1_000} kB`;
}
