/** What `work` makes of each, in their order. The first that fails ends it, once those that have begun have come to their end. */
export async function severalAtOnce<T, R>(
  all: readonly T[],
  most: number,
  work: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Map<number, R>();
  const queue = all.entries();
  const workers = Array.from({ length: Math.min(most, all.length) }, async () => {
    for (const [index, one] of queue) results.set(index, await work(one));
  });
  const ends = await Promise.allSettled(workers);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
}
