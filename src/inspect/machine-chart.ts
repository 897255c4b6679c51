import type { AnyStateMachine } from 'xstate';

/** A state machine as plain data: what its diagrams and tables are made from. */
export interface MachineChart {
  readonly id: string;
  readonly root: ChartState;
  /** The names that `setup()` gave; the table is written in them. */
  readonly names: Readonly<Record<'guards' | 'actions' | 'delays' | 'actors', readonly string[]>>;
}

export interface ChartState {
  /** Its own name, without its parents'. */
  readonly key: string;
  /** Dotted, without the machine's id; the root's is empty. */
  readonly path: string;
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Path of the child that is entered first; null where there is no such choice. */
  readonly initial: string | null;
  readonly tags: readonly string[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  /** The actors that run while it is active. */
  readonly invokes: readonly string[];
  readonly rows: readonly ChartRow[];
  readonly states: readonly ChartState[];
}

/** One event in one state: the first branch whose guard holds is taken. */
export interface ChartRow {
  /** The event's type, `after <delay>`, `done`, or `always`. */
  readonly event: string;
  readonly branches: readonly ChartBranch[];
}

export interface ChartBranch {
  /** All of them must hold; empty means that it is always taken. */
  readonly guards: readonly string[];
  /** Paths; empty for a transition that stays where it is. */
  readonly targets: readonly string[];
  readonly actions: readonly string[];
}

type StateNode = AnyStateMachine['root'];
type Transition = StateNode['always'] extends readonly (infer T)[] | undefined ? T : never;

/** Reads an XState v5 machine. Actors, actions and guards are not run; what is inline shows as `(inline)`. */
export function readMachine(machine: AnyStateMachine): MachineChart {
  const { guards, actions, delays, actors } = machine.implementations;
  return {
    id: machine.id,
    root: readState(machine.root),
    names: {
      guards: Object.keys(guards),
      actions: Object.keys(actions),
      delays: Object.entries(delays).map(([name, delay]) =>
        typeof delay === 'number' ? `${name} (${delay} ms)` : name,
      ),
      actors: Object.keys(actors),
    },
  };
}

function readState(node: StateNode): ChartState {
  const states = Object.values(node.states).map(readState);
  return {
    key: node.key,
    path: pathOf(node),
    kind: node.type,
    initial: node.type === 'compound' ? (node.initial.target.map(pathOf)[0] ?? null) : null,
    tags: node.tags,
    entry: node.entry.filter(isOwnAction).map(nameOf),
    exit: node.exit.filter(isOwnAction).map(nameOf),
    invokes: node.invoke.map((invoke) => (typeof invoke.src === 'string' ? invoke.src : invoke.id)),
    rows: readRows(node),
    states,
  };
}

function readRows(node: StateNode): ChartRow[] {
  const delays = new Map(node.after.map((after) => [after.eventType, after.delay]));
  const rows = [...node.transitions].map(([type, transitions]) => {
    const delay = delays.get(type);
    const event =
      delay === undefined ? eventName(type) : `after ${typeof delay === 'number' ? `${delay} ms` : String(delay)}`;
    return { event, branches: transitions.map(readBranch) };
  });
  const always = node.always ?? [];
  return always.length === 0 ? rows : [...rows, { event: 'always', branches: always.map(readBranch) }];
}

function readBranch(transition: Transition): ChartBranch {
  return {
    guards: [...new Set(guardsOf(transition.guard))],
    targets: (transition.target ?? []).map(pathOf),
    actions: transition.actions.map(nameOf),
  };
}

/** XState's own words for the end of a child state; the ends of actors keep their event types, as supervisors match them. */
function eventName(type: string): string {
  return type.startsWith('xstate.done.state.') ? 'done' : type;
}

function pathOf(node: StateNode): string {
  return node.path.join('.');
}

function guardsOf(guard: unknown): string[] {
  if (guard === undefined || guard === null) return [];
  const parts = read(guard, 'guards');
  if (nameOfFunction(guard) === 'and' && Array.isArray(parts)) return parts.flatMap(guardsOf);
  return [guardText(guard)];
}

function guardText(guard: unknown): string {
  const parts = read(guard, 'guards');
  if (Array.isArray(parts)) {
    const texts = parts.map(guardText);
    const operator = nameOfFunction(guard);
    if (operator === 'not') return `not ${texts.join('')}`;
    return `(${texts.join(` ${operator} `)})`;
  }
  return nameOf(guard);
}

function nameOfFunction(value: unknown): string {
  return typeof value === 'function' ? value.name : '';
}

/** `after` adds a timer of its own to entry and exit, which says nothing that its row does not say. */
function isOwnAction(action: unknown): boolean {
  const id = read(action, 'id') ?? read(action, 'sendId');
  return !(typeof id === 'string' && id.startsWith('xstate.after.'));
}

function nameOf(named: unknown): string {
  if (typeof named === 'string') return named;
  const type = read(named, 'type');
  const params = read(named, 'params');
  if (typeof type !== 'string') return '(inline)';
  if (typeof named === 'function') return `(inline ${type.replace(/^xstate\./, '')})`;
  if (typeof params !== 'object' || params === null) return type;
  return `${type} (${Object.entries(params)
    .map(([key, value]) => `${key}: ${String(value)}`)
    .join(', ')})`;
}

function read(value: unknown, key: string): unknown {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject ? Reflect.get(value, key) : undefined;
}
