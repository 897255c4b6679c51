/** Columns as wide as what is in them. The first row is the head; `left` counts the columns of words, the others are numbers. */
export function textTable(rows, left) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) =>
    row.map((cell, column) => (column < left ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ');
  const [head, ...body] = rows.map((row) => line(row).trimEnd());
  return [head, '-'.repeat(Math.max(...[head, ...body].map(({ length }) => length))), ...body].join('\n');
}
