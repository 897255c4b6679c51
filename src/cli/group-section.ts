import type { GroupInfo } from '../index.ts';
import { groupStyle, groupWord, groupWords, memberWords, servingMember } from './group-words.ts';
import { headingLine, none, tableLine, widthOfColumns } from './table-line.ts';
import type { Cell, Column } from './table-line.ts';
import { cutTo, shownId, widthOf } from './terminal-text.ts';

type GroupColumn = 'id' | 'state' | 'active' | 'members';

/** How the groups are to be drawn. */
export interface GroupSectionOptions {
  /** The most columns that a line may take. */
  readonly columns: number;
  /** The most lines, the heading among them. */
  readonly rows: number;
  /** Width of the first column, which is that of the servers above. */
  readonly idWidth: number;
  /** The most that any id may take. */
  readonly longestId: number;
  /** Width of the state where there is room for all of it, and where there is not. */
  readonly stateWidths: { readonly detailed: number; readonly short: number };
  readonly color: boolean;
  readonly nowMs: number;
}

const leastMembersWidth = 30;
/** It tells what the mark in the servers' rows means, too. */
const activeTitle = 'active ◂';

/** The groups below the servers: a heading, and a line for each that says what it is doing and which member is active. */
export function groupSection(groups: readonly GroupInfo[], options: GroupSectionOptions): readonly string[] {
  const { columns, rows, color } = options;
  const room = rows - 1;
  if (groups.length === 0 || room < 1) return [];
  const layout = layoutFor(groups, options);
  const shown = groups.length <= room ? groups : groups.slice(0, room - 1);
  const more = groups.length - shown.length;
  return [
    headingLine(layout, columns, color),
    ...shown.map((group) => tableLine(groupRow(group, layout, options), layout, columns, color)),
    ...(more === 0 ? [] : [cutTo(columns, `… and ${more} more ${more === 1 ? 'group' : 'groups'}`)]),
  ];
}

function groupRow(
  group: GroupInfo,
  layout: readonly Column<GroupColumn>[],
  { stateWidths, nowMs }: GroupSectionOptions,
): Record<GroupColumn, Cell> {
  const serving = servingMember(group);
  const isDetailed = layout.some(({ name, width }) => name === 'state' && width === stateWidths.detailed);
  return {
    id: { text: shownId(group.id) },
    state: {
      text: isDetailed ? groupWords(group, nowMs, stateWidths.detailed) : groupWord(group, nowMs),
      style: groupStyle(group),
    },
    active: serving === null ? none : { text: shownId(serving), style: 'bold' },
    members: group.active === null ? none : { text: memberWords(group.members) },
  };
}

/** The widest layout that fits. It depends on the width and the ids alone, so that nothing jumps about while states change. */
function layoutFor(groups: readonly GroupInfo[], options: GroupSectionOptions): readonly Column<GroupColumn>[] {
  const { columns, idWidth, longestId, stateWidths } = options;
  const ids = groups.flatMap(({ members }) => members.map(({ id }) => widthOf(shownId(id))));
  const active = Math.min(longestId, Math.max(activeTitle.length, ...ids));
  const layoutOf = (state: number): readonly Column<GroupColumn>[] => [
    { name: 'id', title: 'group', width: idWidth, align: 'left' },
    { name: 'state', title: 'state', width: state, align: 'left' },
    { name: 'active', title: activeTitle, width: active, align: 'left' },
  ];
  const members = { name: 'members', title: 'members', width: columns, align: 'left' } as const;
  const candidates = [
    [...layoutOf(stateWidths.detailed), members],
    layoutOf(stateWidths.detailed),
    layoutOf(stateWidths.short),
  ];
  const fits = (layout: readonly Column<GroupColumn>[]): boolean =>
    widthOfColumns(layout, { members: leastMembersWidth }) <= columns;
  return candidates.find(fits) ?? layoutOf(stateWidths.short);
}
