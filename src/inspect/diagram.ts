import type { AnyStateMachine } from 'xstate';
import { drawStates } from './draw-states.ts';
import { inertGroupMachine, inertManagerMachine, inertSessionMachine } from './inert-worlds.ts';
import { readMachine } from './machine-chart.ts';
import { toMermaid } from './to-mermaid.ts';

/** The statecharts that holdfast runs. */
export type MachineName = 'session' | 'manager' | 'group';

/** `mermaid`: with every transition. `svg`: states as boxes. `json`: all of it as data. */
export type DiagramFormat = 'mermaid' | 'svg' | 'json';

const machines: Readonly<Record<MachineName, () => AnyStateMachine>> = {
  session: inertSessionMachine,
  manager: inertManagerMachine,
  group: inertGroupMachine,
};

/** One of holdfast's own statecharts, drawn. Nothing of it is run, and the same version gives the same text. */
export function diagram(name: MachineName, format: DiagramFormat = 'mermaid'): string {
  const machine = machines[name]();
  switch (format) {
    case 'mermaid':
      return toMermaid(machine);
    case 'svg':
      return drawStates(machine, name);
    case 'json':
      return `${JSON.stringify(readMachine(machine), null, 2)}\n`;
  }
}
