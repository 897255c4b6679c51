import { widthOfColumns } from './table-line.ts';
import type { Column } from './table-line.ts';
import type { ColumnName } from './table-rows.ts';

/** Which columns the servers have, and whether their states are written out. */
export interface ServerLayout {
  readonly columns: readonly Column<ColumnName>[];
  readonly detail: boolean;
}

/** Width of a state with its phase, and of one without. */
export const stateWidths = { detailed: 27, short: 12 } as const;

const leastErrorWidth = 20;
const givenUp = ['detail', 'error', 'latency', 'failures', 'next', 'generation', 'mark', 'pid'] as const;
type Dispensable = (typeof givenUp)[number];

/** The most that an id may take of so many columns. */
export function longestIdIn(columns: number): number {
  return Math.max(12, Math.floor(columns / 3));
}

/** The columns that fit; where it is narrow, they are left out in a fixed order. `marked`: there are servers to be marked. */
export function serverLayout(columns: number, idWidth: number, marked: boolean): ServerLayout {
  const wanted = new Set<Dispensable>(givenUp);
  if (!marked) wanted.delete('mark');
  let layout = layoutOf(wanted, idWidth, columns);
  for (const name of givenUp) {
    if (widthOfColumns(layout.columns, { error: leastErrorWidth }) <= columns) break;
    wanted.delete(name);
    layout = layoutOf(wanted, idWidth, columns);
  }
  return layout;
}

function layoutOf(wanted: ReadonlySet<Dispensable>, idWidth: number, columns: number): ServerLayout {
  const detail = wanted.has('detail');
  const state = detail ? stateWidths.detailed : stateWidths.short;
  const all: readonly Column<ColumnName>[] = [
    { name: 'id', title: 'server', width: idWidth, align: 'left' },
    { name: 'state', title: 'state', width: state, align: 'left' },
    { name: 'mark', title: '', width: 1, align: 'left' },
    { name: 'pid', title: 'pid', width: 7, align: 'right' },
    { name: 'generation', title: 'gen', width: 4, align: 'right' },
    { name: 'latency', title: 'latency', width: 8, align: 'right' },
    { name: 'failures', title: 'failed', width: 6, align: 'right' },
    { name: 'next', title: 'next', width: 8, align: 'left' },
    { name: 'error', title: 'last error', width: columns, align: 'left' },
  ];
  return { detail, columns: all.filter(({ name }) => name === 'id' || name === 'state' || wanted.has(name)) };
}
