import { expect, it } from 'vitest';
import { styled, wantsColor } from '../../src/cli/color.ts';

it.each<[asked: boolean, env: Record<string, string>, terminal: boolean, wanted: boolean]>([
  [true, {}, true, true],
  [true, {}, false, false],
  [false, {}, true, false],
  [false, { FORCE_COLOR: '1' }, true, false],
  [true, { NO_COLOR: '1' }, true, false],
  [true, { NO_COLOR: '' }, true, true],
  [true, { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  [true, { FORCE_COLOR: '1' }, false, true],
  [true, { FORCE_COLOR: '' }, false, true],
  [true, { FORCE_COLOR: '0' }, true, false],
  [true, { FORCE_COLOR: 'false' }, true, false],
])(
  'without --no-color: %s, environment %o, terminal with colours: %s → colours: %s',
  (asked, env, terminal, wanted) => {
    expect(wantsColor(asked, env, terminal)).toBe(wanted);
  },
);

it('a style ends where it began', () => {
  expect([styled('green', 'ok'), styled('dim', 'was'), styled(undefined, 'plain')]).toEqual([
    '\u001b[32mok\u001b[39m',
    '\u001b[2mwas\u001b[22m',
    'plain',
  ]);
});
