import type { AnyStateMachine } from 'xstate';
import { readMachine } from './machine-chart.ts';
import type { ChartState } from './machine-chart.ts';

/** Sizes in the drawing's own units, which are pixels where it is not scaled. */
const CHAR = 6.6;
const LINE = 24;
const PAD = 8;
const GAP = 8;
/** The width that children of one state are put side by side in, before they go on in the next row. */
const ROOM = 520;

interface Box {
  readonly state: ChartState;
  readonly width: number;
  readonly height: number;
  /** Relative to this box. */
  readonly inner: readonly { readonly x: number; readonly y: number; readonly box: Box }[];
}

/**
 * A statechart as SVG: states as boxes within boxes, without arrows, which toMermaid draws. What each state can lead to stands in
 * its `<title>`. The group of a state has the class `state` and its path as `data-path`, such as `connected.health.healthy`; give the class
 * `lit` to those of the present state. `data-leads-to` are the paths of the states that it can lead to. It takes its colours from `currentColor` and names no font and no other address.
 */
export function drawStates(machine: AnyStateMachine, name: string): string {
  const { root } = readMachine(machine);
  const box = measure({ ...root, key: name }, ROOM);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(box.width + 2)} ${round(box.height + 2)}" role="img" ` +
    `aria-label="statechart of a ${name}" class="statechart" font-family="inherit" font-size="12">${draw(box, 1, 1)}</svg>`
  );
}

function measure(state: ChartState, room: number): Box {
  const label = state.key.length * CHAR + 2 * PAD;
  if (state.states.length === 0) return { state, width: Math.max(label, 60), height: LINE, inner: [] };
  const isStacked = state.kind === 'parallel';
  const boxes = state.states.map((child) => measure(child, room - 2 * PAD));
  const inner: { x: number; y: number; box: Box }[] = [];
  let x = PAD;
  let y = LINE;
  let rowHeight = 0;
  for (const box of boxes) {
    if (inner.length > 0 && (isStacked || x + box.width > room - PAD)) {
      x = PAD;
      y += rowHeight + GAP;
      rowHeight = 0;
    }
    inner.push({ x, y, box });
    x += box.width + GAP;
    rowHeight = Math.max(rowHeight, box.height);
  }
  const width = Math.max(label, ...inner.map((each) => each.x + each.box.width + PAD));
  return { state, width, height: y + rowHeight + PAD, inner };
}

function draw({ state, width, height, inner }: Box, x: number, y: number): string {
  const { path, key, kind } = state;
  const dash = kind === 'parallel' ? ' stroke-dasharray="4 3"' : '';
  const middle = inner.length === 0 ? LINE / 2 + 4 : 16;
  const label = inner.length === 0 ? `x="${round(width / 2)}" text-anchor="middle"` : `x="${PAD}"`;
  const children = inner.map((each) => draw(each.box, each.x, each.y)).join('');
  return (
    `<g class="state" data-path="${path}" data-leads-to="${targetsOf(state).join(' ')}" transform="translate(${round(x)} ${round(y)})"><title>${titleOf(state)}</title>` +
    `<rect width="${round(width)}" height="${round(height)}" rx="6" fill="none" stroke="currentColor"${dash}/>` +
    `<text ${label} y="${middle}" fill="currentColor" stroke="none">${key}</text>${children}</g>`
  );
}

/** The paths of all states that this one can lead to at once. */
function targetsOf({ rows }: ChartState): readonly string[] {
  return [...new Set(rows.flatMap(({ branches }) => branches.flatMap(({ targets }) => targets)))];
}

/** Where the state leads: one event a line. */
function titleOf({ key, rows }: ChartState): string {
  const ways = rows.flatMap(({ event, branches }) => {
    const targets = [...new Set(branches.flatMap((branch) => branch.targets))];
    return targets.length === 0 ? [] : [`${event} → ${targets.join(', ')}`];
  });
  return escaped([key, ...ways].join('\n'));
}

const escaped = (text: string): string => text.replace(/[<>&"]/gu, (char) => `&#${char.charCodeAt(0)};`);

const round = (value: number): number => Math.round(value * 10) / 10;
