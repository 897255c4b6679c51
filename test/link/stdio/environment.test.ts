import { describe, expect, test } from 'vitest';
import { environmentOf } from '../../../src/link/stdio/environment.ts';

const ours = { HOME: '/home/me', PATH: '/bin', TERM: 'xterm', AWS_SECRET: 'hunter2', LANG: 'C' };

describe('the environment of a server', () => {
  test('is ours with the additions of the target, null and undefined removing a variable', () => {
    const env = { LANG: 'cs_CZ', API_KEY: 'k', AWS_SECRET: null, TERM: undefined, ABSENT: null };
    expect(environmentOf({ env, inheritEnv: true }, ours, false)).toEqual({
      HOME: '/home/me',
      PATH: '/bin',
      LANG: 'cs_CZ',
      API_KEY: 'k',
    });
  });

  test('without inheritance holds only what programs need to find their way', () => {
    const all = { ...ours, LOGNAME: 'me', SHELL: '/bin/sh', USER: 'me', NODE_OPTIONS: '--inspect' };
    expect(environmentOf({ env: { API_KEY: 'k', TERM: null }, inheritEnv: false }, all, false)).toEqual({
      HOME: '/home/me',
      LOGNAME: 'me',
      PATH: '/bin',
      SHELL: '/bin/sh',
      USER: 'me',
      API_KEY: 'k',
    });
  });

  test('knows variables by any case on Windows', () => {
    const windows = { Path: 'C:\\bin', SystemRoot: 'C:\\Windows', Secret: 's' };
    const target = { env: { PATH: 'D:\\bin', systemroot: null }, inheritEnv: false };
    expect(environmentOf(target, windows, true)).toEqual({ PATH: 'D:\\bin' });
  });
});
