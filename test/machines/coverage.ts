/** Which pairs of a state and an event the tables of the machines' tests have, told as `docs/coverage.md`. */
import type { AnyStateMachine, StateValue } from 'xstate';
import { inertGroupMachine, inertManagerMachine, inertSessionMachine } from '../../src/inspect/inert-worlds.ts';
import { type ChartState, readMachine } from '../../src/inspect/machine-chart.ts';
import { circuitTable, closedCircuitTable, nothing } from './circuit-effects.ts';
import { groupEventTypes, managerEventTypes, sessionEventTypes } from './event-types.ts';
import * as group from './group-cells.ts';
import { groupTable } from './group-effects.ts';
import * as manager from './manager-cells.ts';
import { managerTable } from './manager-effects.ts';
import * as session from './session-cells.ts';
import { sessionTable } from './session-effects.ts';

/** One tested pair: in which states the machine is, which type of event comes, and where it is then; undefined: it is refused. */
export interface Cell {
  readonly states: readonly string[];
  readonly event: string;
  readonly leadsTo: string | undefined;
}

export interface MachineCoverage {
  readonly name: string;
  readonly machine: AnyStateMachine;
  /** The types of all its events, XState's own timers among them. */
  readonly events: readonly string[];
  readonly cells: readonly Cell[];
}

/** The machines and their tested pairs. */
export function coverage(): readonly MachineCoverage[] {
  return [
    withTimers('session', inertSessionMachine(), Object.keys(sessionEventTypes), sessionCells()),
    withTimers('group', inertGroupMachine(), Object.keys(groupEventTypes), groupCells()),
    withTimers('manager', inertManagerMachine(), Object.keys(managerEventTypes), managerCells()),
  ];
}

/** Pairs that no table has, as `state × event`. */
export function untested({ machine, events, cells }: MachineCoverage): readonly string[] {
  const tested = new Set(cells.flatMap(({ states, event }) => states.map((state) => `${state} × ${event}`)));
  return restingStates(machine)
    .flatMap((state) => events.map((event) => `${state} × ${event}`))
    .filter((pair) => !tested.has(pair));
}

/** Events that the machine's table names and that no list of events has. */
export function unknownEvents({ machine, events }: MachineCoverage): readonly string[] {
  const names = allStates(readMachine(machine).root).flatMap(({ rows }) => rows.map(({ event }) => event));
  return [...new Set(names)].filter(
    (name) => name !== 'always' && !events.some((event) => event === name || matches(name, `${event}.`)),
  );
}

/** The page of `docs/coverage.md`. */
export function coveragePage(machines: readonly MachineCoverage[]): string {
  return [
    '# Model coverage',
    '',
    '<!-- Made from the tables in test/machines by `npm run docs`. -->',
    '',
    'What each machine makes of each event in each of its states. Every pair is in a table of `test/machines` and is tested there',
    'with all of its effects: a transition, with the phase that it leads to; an action that leaves the machine where it is; or a',
    'refusal, after which nothing whatever is different. `after …` is a timer that has run down. Where an event leads to several',
    'phases, what it carries decides, or what else is known.',
    '',
    table(
      ['machine', 'states', 'events', 'pairs', 'transitions', 'actions', 'refusals', 'untested'],
      machines.map((each) => [`[${each.name}](#${each.name})`, ...counts(each).map(String)]),
    ),
    '',
    ...machines.flatMap((each) => [`## ${each.name}`, '', pairTable(each), '']),
  ].join('\n');
}

type Outcome = { readonly kind: 'transition' | 'action' | 'refusal'; readonly phases: readonly string[] };

function outcomeOf(cells: readonly Cell[], state: string, event: string): Outcome | undefined {
  const those = cells.filter((cell) => cell.event === event && cell.states.includes(state));
  if (those.length === 0) return undefined;
  const phases = [...new Set(those.flatMap((cell) => (cell.leadsTo === undefined ? [] : [cell.leadsTo])))];
  const elsewhere = phases.filter((phase) => phase !== stays).toSorted();
  if (elsewhere.length > 0) return { kind: 'transition', phases: elsewhere };
  return { kind: phases.length > 0 ? 'action' : 'refusal', phases: [] };
}

function counts({ machine, events, cells }: MachineCoverage): readonly number[] {
  const states = restingStates(machine);
  const kinds = states.flatMap((state) => events.map((event) => outcomeOf(cells, state, event)?.kind));
  const of = (kind: Outcome['kind'] | undefined): number => kinds.filter((each) => each === kind).length;
  return [states.length, events.length, kinds.length, of('transition'), of('action'), of('refusal'), of(undefined)];
}

function pairTable({ machine, events, cells }: MachineCoverage): string {
  return table(
    ['state', 'transitions', 'actions', 'refusals'],
    restingStates(machine).map((state) => {
      const outcomes = events.map((event) => [event, outcomeOf(cells, state, event)] as const);
      const named = (kind: Outcome['kind']): readonly string[] =>
        outcomes.flatMap(([event, outcome]) =>
          outcome?.kind === kind
            ? [[`\`${event}\``, outcome.phases.map((each) => `\`${each}\``).join(', ')].filter(Boolean).join(' → ')]
            : [],
        );
      return [
        state === '' ? '(its only one)' : `\`${state}\``,
        named('transition').join('<br>'),
        named('action').join(', '),
        named('refusal').join(', '),
      ];
    }),
  );
}

/** Where an event leads that is not refused and moves nothing. */
const stays = 'stays';

function sessionCells(): readonly Cell[] {
  const names = Object.keys(session.events) as session.EventName[];
  const typeOf = (name: session.EventName): string => {
    const { type } = session.events[name](1, 0);
    return type.startsWith('xstate.after') ? name : type;
  };
  const own = (Object.keys(session.states) as session.StateName[]).flatMap((state) => {
    const bench = session.states[state]();
    const { phase } = bench;
    const states = leavesOf(bench.actor.getSnapshot().value);
    bench.stop();
    return names.map((name): Cell => {
      const effect = closedCircuitTable[state]?.[name] ?? sessionEffect(state, name);
      return { states, event: typeOf(name), leadsTo: leadsTo(effect, phase, 'normal') };
    });
  });
  const ofCircuit = (Object.keys(session.circuitStates) as session.CircuitStateName[]).flatMap((state) => {
    const bench = session.circuitStates[state]();
    const { phase, context } = bench;
    const states = leavesOf(bench.actor.getSnapshot().value).filter((leaf) => leaf.startsWith('connected.circuit'));
    bench.stop();
    return names.map((name): Cell => {
      const given = circuitTable[state][name];
      const effect = given === nothing ? undefined : (given ?? sessionEffect('healthy', name));
      return { states, event: typeOf(name), leadsTo: leadsTo(effect, phase, context.circuit.phase) };
    });
  });
  return [...own, ...ofCircuit];
}

function sessionEffect(state: session.StateName, name: session.EventName): session.Effect | undefined {
  return session.isOfCircuit(name) ? undefined : sessionTable[state][name];
}

function leadsTo(effect: session.Effect | undefined, phase: string, circuit: string): string | undefined {
  if (effect === undefined) return undefined;
  if (effect.to !== phase) return effect.to;
  const moved = effect.changed?.circuit as { readonly phase: string } | undefined;
  return moved === undefined || moved.phase === circuit ? stays : `circuit ${moved.phase}`;
}

function groupCells(): readonly Cell[] {
  return (Object.keys(group.states) as group.StateName[]).flatMap((state) => {
    const bench = group.states[state]();
    const states = leavesOf(bench.actor.getSnapshot().value);
    bench.stop();
    return (Object.keys(group.events) as group.EventName[]).map((name): Cell => {
      const lines = groupTable[state][name];
      const arrow = lines?.find((line) => line.startsWith('→ '))?.slice(2);
      return { states, event: group.events[name].type, leadsTo: arrow ?? (lines === undefined ? undefined : stays) };
    });
  });
}

/** A manager has one state: what it does depends on its children, and where it leads is never elsewhere. */
function managerCells(): readonly Cell[] {
  return (Object.keys(manager.situations) as manager.SituationName[]).flatMap((situation) =>
    manager.eventsIn(situation).map((name): Cell => {
      const lines = managerTable[situation][name];
      return { states: [''], event: name.replace(/, of .*$/, ''), leadsTo: lines === undefined ? undefined : stays };
    }),
  );
}

function withTimers(
  name: string,
  machine: AnyStateMachine,
  types: readonly string[],
  cells: readonly Cell[],
): MachineCoverage {
  const rows = allStates(readMachine(machine).root).flatMap(({ rows: own }) => own.map(({ event }) => event));
  const timers = [...new Set(rows)].filter((event) => event.startsWith('after '));
  return { name, machine, events: [...types, ...timers], cells };
}

/** The states that the machine can be found in: those without children, unless they are always left at once. */
export function restingStates(machine: AnyStateMachine): readonly string[] {
  return allStates(readMachine(machine).root).flatMap(({ states, path, rows }) => {
    const always = rows.find(({ event }) => event === 'always')?.branches ?? [];
    const isLeft = always.some(({ guards, targets }) => guards.length === 0 && targets.length > 0);
    return states.length > 0 || isLeft ? [] : [path];
  });
}

function allStates(state: ChartState): readonly ChartState[] {
  return [state, ...state.states.flatMap(allStates)];
}

function leavesOf(value: StateValue, path: string = ''): readonly string[] {
  if (typeof value === 'string') return [path === '' ? value : `${path}.${value}`];
  return Object.entries(value).flatMap(([key, inner]) =>
    inner === undefined ? [] : leavesOf(inner, path === '' ? key : `${path}.${key}`),
  );
}

/** Whether the descriptor, which may end in a wildcard, means the type. */
function matches(descriptor: string, type: string): boolean {
  return descriptor.endsWith('.*') && type.startsWith(descriptor.slice(0, -1));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
