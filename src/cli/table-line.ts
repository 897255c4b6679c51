import { styled } from './color.ts';
import type { Style } from './color.ts';
import { cutTo, inColumn } from './terminal-text.ts';

/** What stands in one column of one row. */
export interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

/** A column of a table. */
export interface Column<Name extends string> {
  readonly name: Name;
  readonly title: string;
  readonly width: number;
  readonly align: 'left' | 'right';
}

/** Nothing to say. */
export const none: Cell = { text: '–', style: 'dim' };

/** Between two columns. */
const gap = 2;

/** The cells side by side; what does not fit into the line is cut, and the last column ends where its text does. */
export function tableLine<Name extends string>(
  row: Readonly<Partial<Record<Name, Cell>>>,
  columns: readonly Column<Name>[],
  lineWidth: number,
  color: boolean,
): string {
  let line = '';
  let left = lineWidth;
  for (const [index, { name, width, align }] of columns.entries()) {
    const space = index === 0 ? 0 : gap;
    const { text, style } = row[name] ?? { text: '' };
    const room = Math.min(width, left - space);
    if (room <= 0) break;
    const isLast = index === columns.length - 1;
    line +=
      ' '.repeat(space) +
      paint(style, isLast && align === 'left' ? cutTo(room, text) : inColumn(room, align, text), color);
    left -= space + room;
  }
  return line;
}

/** The line of the columns' titles. */
export function headingLine<Name extends string>(
  columns: readonly Column<Name>[],
  lineWidth: number,
  color: boolean,
): string {
  const titles: Partial<Record<Name, Cell>> = {};
  for (const { name, title } of columns) titles[name] = { text: title, style: 'dim' };
  return tableLine(titles, columns, lineWidth, color);
}

/** How wide the columns are side by side, where one of them may be as narrow as `least` says. */
export function widthOfColumns<Name extends string>(
  columns: readonly Column<Name>[],
  least: Readonly<Partial<Record<Name, number>>>,
): number {
  return columns.reduce((sum, { name, width }) => sum + gap + (least[name] ?? width), -gap);
}

/** The text in a style, where there are colours. */
export function paint(style: Style | undefined, text: string, color: boolean): string {
  return color ? styled(style, text) : text;
}
