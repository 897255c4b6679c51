import { and, fromCallback, not, setup } from 'xstate';
import { expect, it } from 'vitest';
import { describeMachine } from '../../src/inspect/describe-machine.ts';

it('describes states, events and names in tables', () => {
  const machine = setup({
    types: { events: {} as { type: 'GO' } | { type: 'LEFT' } | { type: 'RIGHT' }, tags: {} as 'warm' },
    actors: { engine: fromCallback(() => undefined) },
    guards: { ready: () => true, tired: () => true },
    actions: { greet: () => undefined, turn: (_, _params: { readonly by: number }) => undefined },
    delays: { 'the pause': 100, 'the nap': () => 5 },
  }).createMachine({
    initial: 'off',
    on: {
      LEFT: { actions: { type: 'turn', params: { by: -1 } } },
      RIGHT: { actions: { type: 'turn', params: { by: -1 } } },
    },
    states: {
      off: {
        tags: 'warm',
        entry: 'greet',
        on: { GO: [{ guard: and(['ready', not('tired')]), target: 'on' }, { actions: 'greet' }] },
      },
      on: { invoke: { src: 'engine' }, after: { 'the pause': { target: 'off' } }, exit: 'greet' },
    },
  });
  expect(describeMachine(machine)).toBe(`## States

| state | kind | tags | on entry | on exit | invokes |
| --- | --- | --- | --- | --- | --- |
| (anywhere) | compound, begins in \`off\` |  |  |  |  |
| \`off\` | atomic | \`warm\` | \`greet\` |  |  |
| \`on\` | atomic |  |  | \`greet\` | \`engine\` |

## Events

Of the rows for one event in one state the first counts whose condition holds. If none does, the event goes to the state
around it; where no state has a row that holds, it is without effect. Regions of a parallel state are asked each for itself.

| state | event | if | goes to | does |
| --- | --- | --- | --- | --- |
| (anywhere) | \`LEFT\`, \`RIGHT\` |  | stays | \`turn (by: -1)\` |
| \`off\` | \`GO\` | \`ready\` and \`not tired\` | \`on\` |  |
| \`off\` | \`GO\` | else | stays | \`greet\` |
| \`on\` | \`after the pause\` |  | \`off\` |  |

## Names

| kind | names |
| --- | --- |
| guards | \`ready\`, \`tired\` |
| actions | \`greet\`, \`turn\` |
| delays | \`the pause (100 ms)\`, \`the nap\` |
| actors | \`engine\` |
`);
});
