import type { ConfigProblem } from '../config/index.ts';
import type { ConnectionInfo, ManagerSnapshot } from '../index.ts';
import { styled } from './color.ts';
import type { Style } from './color.ts';
import { stateWord } from './session-words.ts';
import { none, problemRows, sessionRow } from './table-rows.ts';
import type { Cell, ColumnName, Row } from './table-rows.ts';
import { cutTo, inColumn, onOneLine, shownId, widthOf } from './terminal-text.ts';

/** What `up` is doing with the servers. */
export type Stage = 'holding' | 'draining' | 'forcing' | 'stopped';

/** How the table is to be drawn. */
export interface TableOptions {
  /** The most columns that a line may take. */
  readonly columns: number;
  /** The most lines that the table may take. */
  readonly rows: number;
  readonly color: boolean;
  /** Now, in milliseconds since the epoch: countdowns end at it. */
  readonly nowMs: number;
  /** What keeps servers out; each such server has a row. */
  readonly problems: readonly ConfigProblem[];
  /** What the servers come from, such as a file. */
  readonly title: string;
  readonly stage: Stage;
}

interface Column {
  readonly name: ColumnName;
  readonly title: string;
  readonly width: number;
  readonly align: 'left' | 'right';
}

interface Layout {
  readonly columns: readonly Column[];
  readonly detail: boolean;
}

const gap = 2;
const detailedStateWidth = 27;
const shortStateWidth = 12;
const leastErrorWidth = 20;
const givenUp = ['detail', 'error', 'latency', 'failures', 'next', 'generation', 'pid'] as const;

/**
 * The live table as text, without a line end after the last line. A pure function: the same input gives the same text.
 *
 * No line is wider than `columns` and there are no more than `rows` lines. Where it is narrow, columns are left out in a fixed
 * order that depends on the width and the ids alone, so that the table does not jump about while states change. Errors of the
 * moment then stand below the table, if there is room.
 */
export function renderTable(snapshot: Pick<ManagerSnapshot, 'sessions'>, options: TableOptions): string {
  const { columns, rows, color, nowMs, problems, stage } = options;
  const { sessions } = snapshot;
  const refused = problemRows(problems);
  const ids = [...sessions.map(({ id }) => shownId(id)), ...refused.map(({ id }) => id.text)];
  const layout = layoutFor(columns, Math.max(...ids.map(widthOf), 'server'.length));
  const body = [...sessions.map((info) => sessionRow(info, nowMs, layout.detail)), ...refused];

  const title = paint('bold', cutTo(columns, titleLine(options.title, sessions, problems)), color);
  const heading = tableLine(headings(layout), layout, columns, color);
  const footer = footerLines(sessions, stage).map((text) => paint('dim', cutTo(columns, text), color));

  const isRoomy = rows >= body.length + footer.length + 4;
  const hasFooter = isRoomy || rows >= footer.length + 4;
  const blank = isRoomy ? [''] : [];
  const room = rows - 2 - (hasFooter ? footer.length : 0) - 2 * blank.length;
  const shown = body.length <= room ? body : body.slice(0, Math.max(0, room - 1));
  const more = body.length - shown.length;
  const notes = layout.columns.some(({ name }) => name === 'error') ? [] : notesOf(body, room - shown.length);
  const lines = [
    title,
    ...blank,
    heading,
    ...shown.map((row) => tableLine(row, layout, columns, color)),
    ...(more === 0 ? notes : [`… and ${more} more`]).map((text) => cutTo(columns, text)),
    ...blank,
    ...(hasFooter ? footer : []),
  ];
  return lines.slice(0, Math.max(1, rows)).join('\n');
}

/** What is wrong at present, in a line each, for where there is no room for a column of it. */
function notesOf(rows: readonly Row[], most: number): readonly string[] {
  const wrong = rows.filter(({ error }) => error !== none && error.style !== 'dim');
  return wrong.slice(0, Math.max(0, most)).map(({ id, error }) => `${id.text}: ${error.text}`);
}

function layoutFor(columns: number, longestId: number): Layout {
  const idWidth = Math.min(longestId, Math.max(12, Math.floor(columns / 3)));
  const wanted = new Set<(typeof givenUp)[number]>(givenUp);
  let layout = layoutOf(wanted, idWidth, columns);
  for (const name of givenUp) {
    if (leastWidth(layout) <= columns) break;
    wanted.delete(name);
    layout = layoutOf(wanted, idWidth, columns);
  }
  return layout;
}

function layoutOf(wanted: ReadonlySet<(typeof givenUp)[number]>, idWidth: number, columns: number): Layout {
  const detail = wanted.has('detail');
  const state = detail ? detailedStateWidth : shortStateWidth;
  const all: readonly Column[] = [
    { name: 'id', title: 'server', width: idWidth, align: 'left' },
    { name: 'state', title: 'state', width: state, align: 'left' },
    { name: 'pid', title: 'pid', width: 7, align: 'right' },
    { name: 'generation', title: 'gen', width: 4, align: 'right' },
    { name: 'latency', title: 'latency', width: 8, align: 'right' },
    { name: 'failures', title: 'failed', width: 6, align: 'right' },
    { name: 'next', title: 'next', width: 8, align: 'left' },
    { name: 'error', title: 'last error', width: columns, align: 'left' },
  ];
  return { detail, columns: all.filter(({ name }) => name === 'id' || name === 'state' || wanted.has(name)) };
}

function leastWidth({ columns }: Layout): number {
  const widths = columns.map(({ name, width }) => (name === 'error' ? leastErrorWidth : width));
  return widths.reduce((sum, width) => sum + gap + width, -gap);
}

function headings({ columns }: Layout): Readonly<Partial<Record<ColumnName, Cell>>> {
  return Object.fromEntries(columns.map(({ name, title }) => [name, { text: title, style: 'dim' }]));
}

/** The cells side by side; what does not fit into the line is cut, and the last column ends where its text does. */
function tableLine(row: Partial<Row>, layout: Layout, columns: number, color: boolean): string {
  let line = '';
  let left = columns;
  for (const [index, { name, width, align }] of layout.columns.entries()) {
    const space = index === 0 ? 0 : gap;
    const { text, style } = row[name] ?? { text: '' };
    const room = Math.min(width, left - space);
    if (room <= 0) break;
    const isLast = index === layout.columns.length - 1;
    line +=
      ' '.repeat(space) +
      paint(style, isLast && align === 'left' ? cutTo(room, text) : inColumn(room, align, text), color);
    left -= space + room;
  }
  return line;
}

function titleLine(title: string, sessions: readonly ConnectionInfo[], problems: readonly ConfigProblem[]): string {
  const refused = new Set(problems.flatMap(({ serverId }) => serverId ?? [])).size;
  const counts = new Map<ReturnType<typeof stateWord>, number>();
  for (const info of sessions) {
    const word = stateWord(info);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const order = ['healthy', 'degraded', 'unhealthy', 'connecting', 'disconnected', 'closed'] as const;
  const parts = order.flatMap((word) => (counts.has(word) ? [`${counts.get(word)} ${word}`] : []));
  if (refused > 0) parts.push(`${refused} not started`);
  const total = sessions.length + refused;
  return `holdfast: ${total} ${total === 1 ? 'server' : 'servers'}, ${parts.join(', ')}  ${onOneLine(title)}`;
}

function footerLines(sessions: readonly ConnectionInfo[], stage: Stage): readonly string[] {
  switch (stage) {
    case 'holding': {
      const stops = 'Ctrl-C drains and stops';
      const prey = sessions.find(({ state, pid }) => state === 'healthy' && pid !== null);
      return prey === undefined
        ? [stops]
        : [`try: kill -9 ${prey.pid}  and watch ${shownId(prey.id)} come back`, stops];
    }
    case 'draining':
      return ['draining: calls in flight may finish; Ctrl-C again forces'];
    case 'forcing':
      return ['stopping now'];
    case 'stopped':
      return ['stopped'];
  }
}

function paint(style: Style | undefined, text: string, color: boolean): string {
  return color ? styled(style, text) : text;
}
