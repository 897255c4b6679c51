import { describe, expect, it } from 'vitest';
import { runsOf } from './run-case.ts';
import { readTable } from './spec-tables.ts';

const file = (steps: string, rest = ''): string => `
machine: session
area: an area
cases:
  - name: a case
${rest}    steps: ${steps}
`;

const opened =
  '{ event: { type: SESSION.OPEN }, expect: { state: connecting, phase: connecting.waiting, orders: [ask for a permit] } }';

async function run(text: string): Promise<void> {
  for (const each of runsOf(readTable('some.yml', text))) await each.run();
}

describe('a case of a table', () => {
  it('passes when every step is as expected', async () => {
    await expect(run(file(`[${opened}, { after: 5, expect: {} }]`))).resolves.toBeUndefined();
  });

  it.each([
    ['another state', `[${opened.replace('state: connecting,', 'state: healthy,')}]`],
    ['another phase', `[${opened.replace('connecting.waiting', 'connecting.opening')}]`],
    ['another generation', `[${opened.replace('orders:', 'generation: 1, orders:')}]`],
    ['another attempt', `[${opened.replace('orders:', 'attempt: 1, orders:')}]`],
    ['another next attempt', `[${opened.replace('orders:', 'nextAttempt: 1, orders:')}]`],
    ['another circuit', `[${opened.replace('orders:', 'circuit: open, orders:')}]`],
    ['a stale event that was none', `[${opened.replace('orders:', 'staleEvents: 1, orders:')}]`],
    ['an order that was not given', `[${opened.replace('[ask for a permit]', '[ask for a permit, probe]')}]`],
    [
      'something that was not told',
      `[${opened.replace('orders:', 'emitted: [{ type: linkLeaked, generation: 0 }], orders:')}]`,
    ],
    ['no order where one was given', `[${opened.replace(', orders: [ask for a permit]', '')}]`],
    ['no change where there was one', '[{ event: { type: SESSION.OPEN }, expect: {} }]'],
    ['a change where there was none', `[${opened}, { after: 5, expect: { phase: connecting.opening } }]`],
  ])('fails when it expects %s', async (_what, steps) => {
    await expect(run(file(steps))).rejects.toThrow(/strictly deep-equal/);
  });

  it('fails at the start when it expects to begin elsewhere', async () => {
    await expect(run(file(`[${opened}]`, '    starts: { attempt: 4 }\n'))).rejects.toThrow(/'at the start'/);
  });

  it('says at which step it failed, and when that was', async () => {
    const steps = `[${opened}, { after: 7, event: { type: PERMIT }, expect: {} }]`;
    await expect(run(file(steps))).rejects.toThrow(/step 2, PERMIT at 7 ms/);
  });

  it('fails when its steps go back in time', async () => {
    const steps = `[${opened}, { at: 7, expect: {} }, { at: 6, expect: {} }]`;
    await expect(run(file(steps))).rejects.toThrow('step 3 is at 6 ms, before the one that precedes it');
  });

  it('runs the steps of a shared list, too', async () => {
    await expect(run(file(`[[${opened}, { after: 5, expect: { attempt: 1 } }]]`))).rejects.toThrow(
      /step 2, time at 5 ms/,
    );
  });

  it.each([
    ['phase: unavailable', /phase: 'unavailable'/],
    ['active: b', /active: 'b'/],
    ['nextFailback: 5', /nextFailback: 5/],
    ['emitted: [{ type: groupUnavailable }]', /groupUnavailable/],
    ['orders: [watch a]', /'watch a'/],
  ])('of a group fails, too, when it expects %s', async (wrong, message) => {
    const member = '{ id: a, state: healthy, starting: false, linked: true, admits: true, failures: 0, reason: null }';
    const text = (expected: string): string => `
machine: group
area: an area
cases:
  - { name: a case, members: [${member}], steps: [{ after: 1, expect: {${expected}} }] }
`;
    await run(text(''));
    await expect(run(text(wrong))).rejects.toThrow(message);
  });
});

describe('a table', () => {
  const step = '{ after: 1, expect: {} }';

  it.each([
    ['an unknown key of a file', `${file(`[${step}]`)}typo: 1\n`],
    ['an unknown key of a case', file(`[${step}]`, '    typo: 1\n')],
    ['an unknown key of a policy', file(`[${step}]`, '    policy: { reconect: {} }\n')],
    ['an unknown key of a policy’s part', file(`[${step}]`, '    policy: { reconnect: { enable: false } }\n')],
    ['an unknown key of a memory', file(`[${step}]`, '    memory: { attempts: 1 }\n')],
    ['an unknown key of a step', file('[{ afterMs: 1, expect: {} }]')],
    ['an unknown key of an expectation', file('[{ after: 1, expect: { Phase: idle } }]')],
    ['an unknown event', file('[{ event: { type: SESSION.OPENED }, expect: {} }]')],
    ['an event of the machine’s own timers', file('[{ event: { type: REST.OVER }, expect: {} }]')],
    ['an event of another machine', file('[{ event: { type: GROUP.REMOVE }, expect: {} }]')],
    ['an unknown key of an event', file('[{ event: { type: PERMIT, generation: 1 }, expect: {} }]')],
    ['an event that lacks a field', file('[{ event: { type: PING.VOID }, expect: {} }]')],
    [
      'a fault of an unknown kind',
      file('[{ event: { type: LINK.DOWN, generation: 1, fault: { kind: x, code: x, message: x } }, expect: {} }]'),
    ],
    ['an unknown phase', file('[{ after: 1, expect: { phase: connected } }]')],
    ['an unknown state', file('[{ after: 1, expect: { state: idle } }]')],
    ['two moments of one step', file('[{ at: 1, after: 1, expect: {} }]')],
    ['a step without a moment and an event', file('[{ expect: {} }]')],
    ['a step without an expectation', file('[{ after: 1 }]')],
    ['a time that is none', file('[{ after: 1s, expect: {} }]')],
    ['a case without steps', file('[]')],
    ['an empty shared list', file('[[]]')],
    ['no cases', 'machine: session\narea: an area\ncases: []\n'],
    ['an unknown machine', file(`[${step}]`).replace('machine: session', 'machine: fleet')],
    ['a key twice', file(`[${step}]`, '    random: 0\n    random: 1\n')],
    ['two cases of one name', `${file(`[${step}]`)}  - { name: a case, steps: [${step}] }\n`],
  ])('with %s is refused', (_what, text) => {
    expect(() => readTable('some.yml', text)).toThrow(/^(some\.yml: |Map keys must be unique)/);
  });

  it('that is refused is named, and what is wrong with it', () => {
    const text = file('[{ after: 1, expect: { Phase: idle } }]');
    expect(() => readTable('some.yml', text)).toThrow(/^some\.yml: .*must NOT have additional properties/);
  });

  it('without any of that is read', () => {
    expect(readTable('some.yml', file(`[${step}]`)).cases).toEqual([
      { name: 'a case', steps: [{ after: 1, expect: {} }] },
    ]);
  });
});
