import type { AnyStateMachine } from 'xstate';
import { readMachine, type ChartBranch, type ChartRow, type ChartState } from './machine-chart.ts';

export interface MermaidOptions {
  /** Guards that hold for nearly every event and are left out of the labels; say so beside the diagram. Default none. */
  readonly impliedGuards?: readonly string[] | undefined;
}

/**
 * Draws an XState v5 machine as a Mermaid `stateDiagram-v2`. Nothing of the machine is run, and the same machine gives the
 * same text.
 *
 * An arrow bears the events that lead from one state to another, one below the other, with their guards in brackets;
 * `else` is the branch that is left when no guard before it holds. A state without children lists what it invokes and what
 * it does without leaving. Left out: entry and exit actions, the actions of arrows, and what a state with children handles
 * without leaving it. What any state inside of a compound one leads to from itself, the root included, stands as a note
 * beside the target, since Mermaid draws no arrow from a state into itself.
 */
export function toMermaid(machine: AnyStateMachine, options: MermaidOptions = {}): string {
  const { root } = readMachine(machine);
  const drawing = new Drawing(options.impliedGuards ?? [], machine.id);
  return `${['stateDiagram-v2', ...drawing.lines(root).map((line) => `  ${line}`)].join('\n')}\n`;
}

/** Words that Mermaid takes for statements of its own where it expects the id of a state. */
const reservedIds: ReadonlySet<string> = new Set([
  'as',
  'class',
  'classDef',
  'click',
  'default',
  'direction',
  'end',
  'hide',
  'note',
  'scale',
  'state',
  'style',
]);

interface Arrow {
  readonly source: ChartState;
  readonly target: string;
  readonly labels: readonly string[];
}

class Drawing {
  readonly #implied: ReadonlySet<string>;
  readonly #rootName: string;
  readonly #ids = new Map<string, string>();

  constructor(impliedGuards: readonly string[], rootName: string) {
    this.#implied = new Set(impliedGuards);
    this.#rootName = rootName;
  }

  /** All states first: where Mermaid meets a state decides in which one it is drawn. */
  lines(root: ChartState): string[] {
    if (root.states.length === 0)
      return [`[*] --> ${this.#idOf(this.#rootName)}`, ...this.#declare({ ...root, path: this.#rootName })];
    const arrows = allStates(root).flatMap((state) => this.#arrowsFrom(state));
    return [
      ...this.#inside(root),
      ...arrows.filter((arrow) => !entersItself(arrow)).map((arrow) => this.#arrow(arrow)),
      ...arrows.filter(entersItself).map((arrow) => this.#note(arrow)),
    ];
  }

  #inside(state: ChartState): string[] {
    if (state.kind === 'parallel') {
      return state.states.flatMap((region, index) => [...(index === 0 ? [] : ['--']), ...this.#declare(region)]);
    }
    return [
      ...(state.initial === null ? [] : [`[*] --> ${this.#idOf(state.initial)}`]),
      ...state.states.flatMap((child) => this.#declare(child)),
      ...state.states.filter(({ kind }) => kind === 'final').map(({ path }) => `${this.#idOf(path)} --> [*]`),
    ];
  }

  #declare(state: ChartState): string[] {
    const id = this.#idOf(state.path);
    const name = id === state.key ? `state ${id}` : `state "${plain(state.key)}" as ${id}`;
    if (state.states.length > 0) return [`${name} {`, ...this.#inside(state).map((line) => `  ${line}`), '}'];
    const inner = [
      ...state.invokes.map((actor) => `invokes ${plain(actor)}`),
      ...staying(state.rows).map(
        (row) => `${this.#label(row.events, row.branch, row.isElse)} / ${row.branch.actions.map(plain).join(', ')}`,
      ),
    ];
    // A description alone would take the place of the name.
    const first = id === state.key && inner.length > 0 ? `state "${plain(state.key)}" as ${id}` : name;
    return [id === state.key && inner.length === 0 ? id : first, ...inner.map((text) => `${id} : ${text}`)];
  }

  #arrowsFrom(state: ChartState): Arrow[] {
    const labels = new Map<string, string[]>();
    for (const row of state.rows) {
      const leading = row.branches.filter(({ targets }) => targets.length > 0);
      const targets = new Set(leading.flatMap((branch) => branch.targets));
      for (const target of targets) {
        const known = labels.get(target) ?? [];
        known.push(this.#labelTowards(target, row));
        labels.set(target, known);
      }
    }
    return [...labels].map(([target, texts]) => ({ source: state, target, labels: texts }));
  }

  /** `EVENT`, `EVENT [this or that]` or `EVENT [else]`. */
  #labelTowards(target: string, row: ChartRow): string {
    const there = row.branches.filter(({ targets }) => targets.includes(target));
    const conditions = there.map((branch) => this.#condition(branch));
    const event = plain(row.event);
    if (there.length === row.branches.length && conditions.includes('')) return event;
    if (conditions.includes('')) return row.branches.length === 1 ? event : `${event} [else]`;
    return `${event} [${conditions.join(' or ')}]`;
  }

  #label(events: readonly string[], branch: ChartBranch, isElse: boolean): string {
    const condition = this.#condition(branch) || (isElse ? 'else' : '');
    return `${events.map(plain).join(', ')}${condition === '' ? '' : ` [${condition}]`}`;
  }

  #condition(branch: ChartBranch): string {
    return branch.guards
      .filter((guard) => !this.#implied.has(guard))
      .map(plain)
      .join(' and ');
  }

  #arrow({ source, target, labels }: Arrow): string {
    return `${this.#idOf(source.path)} --> ${this.#idOf(target)} : ${labels.join('<br/>')}`;
  }

  #note({ source, target, labels }: Arrow): string {
    const from = source.path === '' ? 'from anywhere' : `from anywhere in ${plain(source.key)}`;
    return `note right of ${this.#idOf(target)} : ${labels.join(', ')} ${from}`;
  }

  #idOf(path: string): string {
    const known = this.#ids.get(path);
    if (known !== undefined) return known;
    let id = path.replaceAll(/[^A-Za-z0-9]+/g, '_');
    const taken = new Set(this.#ids.values());
    while (taken.has(id) || reservedIds.has(id)) id += '_';
    this.#ids.set(path, id);
    return id;
  }
}

/** A state's arrows into itself or its own children, which Mermaid cannot draw. */
function entersItself({ source, target }: Arrow): boolean {
  return (
    source.states.length > 0 && (source.path === '' || target === source.path || target.startsWith(`${source.path}.`))
  );
}

/** What a state does without leaving it; events that do the same are one entry. */
function staying(
  rows: readonly ChartRow[],
): { readonly events: readonly string[]; readonly branch: ChartBranch; readonly isElse: boolean }[] {
  const found = new Map<string, { events: string[]; branch: ChartBranch; isElse: boolean }>();
  for (const { event, branches } of rows) {
    for (const [index, branch] of branches.entries()) {
      if (branch.targets.length > 0 || branch.actions.length === 0) continue;
      const isElse = index > 0;
      const key = JSON.stringify([branch, isElse]);
      const same = found.get(key);
      if (same === undefined) found.set(key, { events: [event], branch, isElse });
      else same.events.push(event);
    }
  }
  return [...found.values()];
}

function allStates(state: ChartState): ChartState[] {
  return [state, ...state.states.flatMap(allStates)];
}

/** Mermaid ends a text at a colon or a semicolon, a string at a quote; `#` begins an entity. */
function plain(text: string): string {
  return text.replaceAll(/[\s:;#"]+/g, ' ').trim();
}
