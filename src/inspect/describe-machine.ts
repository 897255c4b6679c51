import type { AnyStateMachine } from 'xstate';
import { readMachine, type ChartRow, type ChartState } from './machine-chart.ts';

/**
 * Describes an XState v5 machine as Markdown tables: its states, what each event does in each of them, and the names that
 * the machine is written in. Nothing of the machine is run, and the same machine gives the same text.
 */
export function describeMachine(machine: AnyStateMachine): string {
  const { root, names } = readMachine(machine);
  const states = allStates(root);
  return [
    '## States',
    '',
    table(
      ['state', 'kind', 'tags', 'on entry', 'on exit', 'invokes'],
      states.map((state) => [
        nameOf(state),
        kindOf(state),
        codes(state.tags),
        codes(state.entry),
        codes(state.exit),
        codes(state.invokes),
      ]),
    ),
    '',
    '## Events',
    '',
    'Of the rows for one event in one state the first counts whose condition holds. If none does, the event goes to the state',
    'around it; where no state has a row that holds, it is without effect. Regions of a parallel state are asked each for itself.',
    '',
    table(
      ['state', 'event', 'if', 'goes to', 'does'],
      states.flatMap((state) => grouped(state.rows).flatMap((group) => rowsOf(state, group))),
    ),
    '',
    '## Names',
    '',
    table(
      ['kind', 'names'],
      (['guards', 'actions', 'delays', 'actors'] as const).map((kind) => [kind, codes(names[kind])]),
    ),
    '',
  ].join('\n');
}

interface Group {
  readonly events: readonly string[];
  readonly row: ChartRow;
}

/** Events that one state treats alike are one group. */
function grouped(rows: readonly ChartRow[]): Group[] {
  const groups = new Map<string, { events: string[]; row: ChartRow }>();
  for (const row of rows) {
    const key = JSON.stringify(row.branches);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { events: [row.event], row });
    else group.events.push(row.event);
  }
  return [...groups.values()];
}

function rowsOf(state: ChartState, { events, row }: Group): string[][] {
  return row.branches.map(({ guards, targets, actions }, index) => [
    nameOf(state),
    codes(events),
    guards.length > 0 ? guards.map(code).join(' and ') : index > 0 ? 'else' : '',
    targets.length > 0 ? codes(targets) : 'stays',
    codes(actions),
  ]);
}

function nameOf(state: ChartState): string {
  return state.path === '' ? '(anywhere)' : code(state.path);
}

function kindOf(state: ChartState): string {
  return state.initial === null ? state.kind : `${state.kind}, begins in ${code(state.initial)}`;
}

function allStates(state: ChartState): ChartState[] {
  return [state, ...state.states.flatMap(allStates)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function codes(texts: readonly string[]): string {
  return texts.map(code).join(', ');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
