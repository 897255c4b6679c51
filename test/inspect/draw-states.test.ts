import { expect, it } from 'vitest';
import { inertGroupMachine, inertManagerMachine, inertSessionMachine } from '../../src/inspect/inert-worlds.ts';
import { diagram } from '../../src/inspect/index.ts';
import { readMachine, type ChartState } from '../../src/inspect/machine-chart.ts';

const machines = { session: inertSessionMachine, manager: inertManagerMachine, group: inertGroupMachine } as const;

const pathsOf = (state: ChartState): readonly string[] => [state.path, ...state.states.flatMap(pathsOf)];

it.each(['session', 'manager', 'group'] as const)(
  'the drawing of the %s machine has each of its states once',
  (name) => {
    const svg = diagram(name, 'svg');
    const drawn = [...svg.matchAll(/data-path="([^"]*)"/gu)].map(([, path]) => path);
    const wanted = pathsOf(readMachine(machines[name]()).root);
    expect([drawn.length, new Set(drawn)]).toEqual([wanted.length, new Set(wanted)]);
  },
);

it.each(['session', 'manager', 'group'] as const)(
  'the drawing of the %s machine keeps every box inside of its parent and beside its neighbours',
  (name) => {
    const svg = diagram(name, 'svg');
    interface Box {
      readonly x: number;
      readonly y: number;
      width: number;
      height: number;
      readonly inner: Box[];
    }
    const root: Box = { x: 0, y: 0, width: 1e6, height: 1e6, inner: [] };
    const open: Box[] = [root];
    for (const [, x, y, width, height, end] of svg.matchAll(
      /<g class="state"[^>]*translate\(([\d.]+) ([\d.]+)\)">|<rect width="([\d.]+)" height="([\d.]+)"|(<\/g>)/gu,
    )) {
      const top = open.at(-1) ?? root;
      if (x !== undefined) {
        const box: Box = { x: Number(x), y: Number(y), width: 0, height: 0, inner: [] };
        top.inner.push(box);
        open.push(box);
      } else if (end === undefined) {
        top.width = Number(width);
        top.height = Number(height);
      } else open.pop();
    }
    const faults: string[] = [];
    const check = (box: Box): void => {
      for (const [index, one] of box.inner.entries()) {
        if (one.x + one.width > box.width + 2 || one.y + one.height > box.height + 2)
          faults.push('outside of its parent');
        for (const other of box.inner.slice(index + 1)) {
          const isBeside = one.x + one.width <= other.x || other.x + other.width <= one.x;
          const isAbove = one.y + one.height <= other.y || other.y + other.height <= one.y;
          if (!isBeside && !isAbove) faults.push('over its neighbour');
        }
        check(one);
      }
    };
    check(root);
    expect([root.inner.length, faults]).toEqual([1, []]);
  },
);

it('a drawing names no other address, no font and no script, and says of each state where it leads', () => {
  const svg = diagram('session', 'svg');
  expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|<script|font-family="(?!inherit)/u);
  expect(svg).toMatch(/data-path="connected\.health\.healthy"[^>]*><title>healthy\n[^<]*degraded/u);
});

it('a diagram is Mermaid, SVG or data', () => {
  expect(diagram('group')).toMatch(/^stateDiagram-v2\n/u);
  expect(diagram('group', 'svg')).toMatch(/^<svg /u);
  expect(JSON.parse(diagram('group', 'json'))).toMatchObject({ root: { kind: 'compound' } });
});
