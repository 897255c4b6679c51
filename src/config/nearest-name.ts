/** The known name that `name` was probably meant to be, or undefined when none is close. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.slice(0, 64).toLowerCase();
  let nearest: string | undefined;
  let least = wanted.length < 3 ? 1 : Math.min(3, Math.ceil(wanted.length / 3) + 1);
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const distance = wanted.length >= 4 && lower.startsWith(wanted) ? 1 : editDistance(wanted, lower, least);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** `most` stands for anything as far or farther: thousands of names are compared with thousands. */
function editDistance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) >= most) return most;
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    if (Math.min(...next) >= most) return most;
    row = next;
  }
  return row[to.length] ?? 0;
}
