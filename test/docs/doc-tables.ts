/** The rows of every table of a page whose first column has this head: cell by cell, without backticks and without the head. */
export function rowsUnder(page: string, head: string): string[][] {
  const tables = page.split('\n\n').filter((block) => cells(block.split('\n')[0] ?? '')[0] === head);
  if (tables.length === 0) throw new Error(`the page has no table whose first column is ${JSON.stringify(head)}`);
  return tables.flatMap((table) => table.trimEnd().split('\n').slice(2).map(cells));
}

/** The third cell of every such row by the first: numbers and flags as values, all else as text. */
export function defaultsIn(page: string, head: string): Record<string, unknown> {
  return Object.fromEntries(rowsUnder(page, head).map(([name = '', , value = '']) => [name, valueOf(value)]));
}

/** What nested options hold by their dotted names, as the tables have them. */
export function leaves(options: object, path = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([key, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(leaves(value, `${path}${key}.`))
        : [[`${path}${key}`, value]],
    ),
  );
}

function valueOf(cell: string): unknown {
  if (cell === 'true' || cell === 'false') return cell === 'true';
  return /^[\d .]+$/.test(cell) ? Number(cell.replaceAll(' ', '')) : cell;
}

function cells(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''));
}
