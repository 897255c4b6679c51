/** The path of a line through these values in a box of this size, the latest at the right end; empty for fewer than two. */
export function sparklinePath(values: readonly number[], width: number, height: number, most: number): string {
  if (values.length < 2) return '';
  const top = Math.max(...values) || 1;
  const step = width / (most - 1);
  const begin = width - step * (values.length - 1);
  return values
    .map((value, index) => {
      const x = begin + index * step;
      const y = height - 1 - (value / top) * (height - 2);
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    })
    .join('');
}
