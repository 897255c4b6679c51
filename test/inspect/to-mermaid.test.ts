import { and, createMachine, fromCallback, not, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { toMermaid } from '../../src/inspect/index.ts';

/** The drawing without its first line and its margin. */
function drawn(...of: Parameters<typeof toMermaid>): string[] {
  const [first, ...rest] = toMermaid(...of)
    .trimEnd()
    .split('\n');
  expect(first).toBe('stateDiagram-v2');
  return rest.map((line) => line.slice(2));
}

const words = setup({
  types: { events: {} as { type: 'GO' } | { type: 'BACK' } | { type: 'STAY' } },
  actors: { probe: fromCallback(() => undefined) },
  guards: { ready: () => true, tired: () => true, 'is bound for': (_, _params: { readonly next: string }) => true },
  actions: { note: () => undefined, shout: () => undefined },
  delays: { 'the pause': 100 },
});

describe('toMermaid', () => {
  it('draws states, the initial one, the final one and an arrow for each event', () => {
    const machine = words.createMachine({
      initial: 'off',
      states: {
        off: { on: { GO: { target: 'on' } } },
        on: { on: { GO: { target: 'over' } } },
        over: { type: 'final' },
      },
    });
    expect(drawn(machine)).toEqual([
      '[*] --> off',
      'off',
      'on',
      'over',
      'over --> [*]',
      'off --> on : GO',
      'on --> over : GO',
    ]);
  });

  it('puts the children of a compound state in braces and the regions of a parallel one between dashes', () => {
    const machine = words.createMachine({
      initial: 'work',
      states: {
        work: {
          type: 'parallel',
          states: {
            left: { initial: 'a', states: { a: { on: { GO: { target: 'b' } } }, b: {} } },
            right: { initial: 'c', states: { c: {} } },
          },
        },
      },
    });
    expect(drawn(machine)).toEqual([
      '[*] --> work',
      'state work {',
      '  state "left" as work_left {',
      '    [*] --> work_left_a',
      '    state "a" as work_left_a',
      '    state "b" as work_left_b',
      '  }',
      '  --',
      '  state "right" as work_right {',
      '    [*] --> work_right_c',
      '    state "c" as work_right_c',
      '  }',
      '}',
      'work_left_a --> work_left_b : GO',
    ]);
  });

  it('shows guards in brackets, their combinations in words, parameters in parentheses, and the rest as else', () => {
    const machine = words.createMachine({
      initial: 'a',
      states: {
        a: {
          on: {
            GO: [
              { guard: and(['ready', not('tired')]), target: 'b' },
              { guard: { type: 'is bound for', params: { next: 'c' } }, target: 'c' },
              { target: 'd' },
            ],
          },
        },
        b: {},
        c: {},
        d: {},
      },
    });
    expect(drawn(machine).slice(-3)).toEqual([
      'a --> b : GO [ready and not tired]',
      'a --> c : GO [is bound for (next c)]',
      'a --> d : GO [else]',
    ]);
  });

  it('merges what leads from one state to another into one arrow, and drops guards that make no difference there', () => {
    const machine = words.createMachine({
      initial: 'a',
      states: {
        a: {
          on: {
            GO: [
              { guard: 'ready', target: 'b' },
              { guard: 'tired', target: 'b' },
            ],
            BACK: [{ guard: 'ready', target: 'b', actions: 'note' }, { target: 'b' }],
          },
          after: { 'the pause': { target: 'b' }, 250: { target: 'b' } },
          always: { guard: 'tired', target: 'b' },
        },
        b: {},
      },
    });
    expect(drawn(machine).at(-1)).toBe(
      'a --> b : GO [ready or tired]<br/>BACK<br/>after 250 ms<br/>after the pause<br/>always [tired]',
    );
  });

  it('lists in a state without children what it invokes and what it does without leaving', () => {
    const machine = words.createMachine({
      initial: 'a',
      states: {
        a: {
          invoke: { src: 'probe' },
          on: {
            GO: { actions: 'note' },
            BACK: { actions: 'note' },
            STAY: [{ guard: 'ready', actions: ['note', 'shout'] }, { actions: 'shout' }],
          },
        },
      },
    });
    expect(drawn(machine)).toEqual([
      '[*] --> a',
      'state "a" as a',
      'a : invokes probe',
      'a : GO, BACK / note',
      'a : STAY [ready] / note, shout',
      'a : STAY [else] / shout',
    ]);
  });

  it('draws a machine without states as one state', () => {
    const machine = words.createMachine({ id: 'lone wolf', on: { GO: { actions: 'note' } } });
    expect(drawn(machine)).toEqual(['[*] --> lone_wolf', 'state "lone wolf" as lone_wolf', 'lone_wolf : GO / note']);
  });

  it('notes at the target what leads there from anywhere, and leaves out what a state with children handles without leaving it', () => {
    const machine = words.createMachine({
      initial: 'a',
      on: { STAY: { actions: 'note' }, BACK: { target: '.a' } },
      states: { a: { initial: 'b', on: { GO: { target: '.c' } }, states: { b: {}, c: {} } } },
    });
    expect(drawn(machine).slice(-2)).toEqual([
      'note right of a : BACK from anywhere',
      'note right of a_c : GO from anywhere in a',
    ]);
    expect(toMermaid(machine)).not.toContain('STAY');
  });

  it('keeps the arrow of a state without children into itself', () => {
    const machine = words.createMachine({
      initial: 'a',
      states: { a: { on: { GO: { target: 'a', reenter: true } } } },
    });
    expect(drawn(machine).at(-1)).toBe('a --> a : GO');
  });

  it('leaves implied guards out of the labels', () => {
    const machine = words.createMachine({
      initial: 'a',
      states: {
        a: { on: { GO: { guard: and(['ready', 'tired']), target: 'b' }, BACK: { guard: 'ready', target: 'b' } } },
        b: {},
      },
    });
    expect(drawn(machine, { impliedGuards: ['ready'] }).at(-1)).toBe('a --> b : GO [tired]<br/>BACK');
  });

  it('names the end of a child state done, and inline guards and actions inline', () => {
    const machine = createMachine({
      initial: 'a',
      states: {
        a: {
          initial: 'b',
          states: { b: { on: { GO: { guard: () => true, actions: () => undefined } } }, c: { type: 'final' } },
          onDone: { target: 'd' },
        },
        d: {},
      },
    });
    expect(drawn(machine)).toEqual([
      '[*] --> a',
      'state a {',
      '  [*] --> a_b',
      '  state "b" as a_b',
      '  a_b : GO [(inline)] / (inline)',
      '  state "c" as a_c',
      '  a_c --> [*]',
      '}',
      'd',
      'a --> d : done',
    ]);
  });

  it('gives every state an id of its own that Mermaid takes for no word of its own, and no text that would end its line', () => {
    const machine = createMachine({
      initial: 'end',
      states: { end: { on: { 'a: "b"; #c': { target: 'x y' } } }, 'x y': {}, x: { initial: 'y', states: { y: {} } } },
    });
    expect(drawn(machine)).toEqual([
      '[*] --> end_',
      'state "end" as end_',
      'state "x y" as x_y',
      'state x {',
      '  [*] --> x_y_',
      '  state "y" as x_y_',
      '}',
      'end_ --> x_y : a b c',
    ]);
  });

  it('gives the same text every time', () => {
    const make = (): string =>
      toMermaid(
        words.createMachine({
          initial: 'a',
          states: { a: { invoke: { src: 'probe' }, on: { GO: { target: 'b' } } }, b: {} },
        }),
      );
    expect(make()).toBe(make());
  });
});
