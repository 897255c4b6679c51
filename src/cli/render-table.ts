import type { ConfigProblem } from '../config/index.ts';
import { groupSection } from './group-section.ts';
import { servingMember } from './group-words.ts';
import { longestIdIn, serverLayout, stateWidths } from './server-columns.ts';
import { footerLines, titleLine } from './table-captions.ts';
import type { Stage, TableContent } from './table-captions.ts';
import { headingLine, none, paint, tableLine } from './table-line.ts';
import { problemRows, sessionRow } from './table-rows.ts';
import type { Row } from './table-rows.ts';
import { cutTo, shownId, widthOf } from './terminal-text.ts';

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
  /** The address of the dashboard. Default: there is none. */
  readonly dashboard?: string | undefined;
  /** The address of the inspector's relay. Default: there is none. */
  readonly inspector?: string | undefined;
  readonly stage: Stage;
  /** True: the configuration has been edited in a way that was not followed. Default false. */
  readonly isBroken?: boolean | undefined;
}

/**
 * The live table as text, without a line end after the last line. A pure function: the same input gives the same text.
 *
 * No line is wider than `columns` and there are no more than `rows` lines. Where it is narrow, columns are left out in a fixed
 * order that depends on the width and the ids alone, so that the table does not jump about while states change. Errors of the
 * moment then stand below the servers, if there is room. Where rows are short, a third of them is for the groups.
 */
export function renderTable(content: TableContent, options: TableOptions): string {
  const { columns, rows, color, nowMs, problems, stage } = options;
  const { sessions, groups } = content;
  const refused = problemRows(problems);
  const ids = [...[...sessions, ...groups].map(({ id }) => shownId(id)), ...refused.map(({ id }) => id.text)];
  const longestId = longestIdIn(columns);
  const idWidth = Math.min(longestId, Math.max(...ids.map(widthOf), 'server'.length));
  const layout = serverLayout(columns, idWidth, groups.length > 0);
  const serving = new Set(groups.flatMap((group) => servingMember(group) ?? []));
  const rowOptions = { nowMs, withDetail: layout.detail, serving };
  const body = [...sessions.map((info) => sessionRow(info, rowOptions)), ...refused];

  const title = paint('bold', cutTo(columns, titleLine(options.title, content, problems, stage)), color);
  const heading = headingLine(layout.columns, columns, color);
  const footer = footerLines(content, stage, options).map((text) => paint('dim', cutTo(columns, text), color));

  const sectionRows = groups.length === 0 ? 0 : groups.length + 1;
  const isRoomy = rows >= body.length + sectionRows + footer.length + (sectionRows === 0 ? 4 : 5);
  const hasFooter = isRoomy || rows >= footer.length + 4;
  const blank = isRoomy ? [''] : [];
  const blanks = blank.length * (sectionRows === 0 ? 2 : 3);
  const room = rows - 2 - (hasFooter ? footer.length : 0) - blanks;
  const forGroups = Math.min(sectionRows, Math.max(Math.floor(room / 3), room - body.length));
  const section = groupSection(groups, {
    columns,
    rows: forGroups,
    idWidth,
    longestId,
    stateWidths,
    color,
    nowMs,
  });
  const forServers = room - section.length;
  const shown = body.length <= forServers ? body : body.slice(0, Math.max(0, forServers - 1));
  const more = body.length - shown.length;
  const notes = layout.columns.some(({ name }) => name === 'error') ? [] : notesOf(body, forServers - shown.length);
  const lines = [
    title,
    ...blank,
    heading,
    ...shown.map((row) => tableLine(row, layout.columns, columns, color)),
    ...(more === 0 ? notes : [`… and ${more} more`]).map((text) => cutTo(columns, text)),
    ...(section.length === 0 ? [] : [...blank, ...section]),
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
