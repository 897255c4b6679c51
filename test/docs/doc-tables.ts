/** The rows of every table of a page whose first column has this head: cell by cell, without backticks and without the head. */
export function rowsUnder(page: string, head: string): string[][] {
  const tables = page.split('\n\n').filter((block) => cells(block.split('\n')[0] ?? '')[0] === head);
  if (tables.length === 0) throw new Error(`the page has no table whose first column is ${JSON.stringify(head)}`);
  return tables.flatMap((table) => table.trimEnd().split('\n').slice(2).map(cells));
}

function cells(line: string): string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''));
}
