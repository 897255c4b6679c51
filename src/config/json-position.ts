/** A place in a text, both numbers counted from 1; a column is one UTF-16 code unit, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where an unreadable or empty file is said to be wrong. */
export const startOfFile: Position = { line: 1, column: 1 };

/** Gives a function from an offset in `text` to its line and column. Lines end at LF, CRLF or a lone CR. */
export function positionsIn(text: string): (offset: number) => Position {
  const starts = [0];
  for (const ending of text.matchAll(/\r\n|\r|\n/g)) starts.push(ending.index + ending[0].length);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
