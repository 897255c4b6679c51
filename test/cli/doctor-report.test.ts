import { expect, it } from 'vitest';
import { nothingFound } from '../../src/cli/doctor/findings.ts';
import type { ServerReport } from '../../src/cli/doctor/findings.ts';
import { reportBlocks, reportLines } from '../../src/cli/doctor/report.ts';
import type { DoctorReport } from '../../src/cli/doctor/report.ts';

const well: ServerReport = {
  ...nothingFound,
  id: 'files',
  transport: 'stdio',
  status: 'ok',
  steps: [
    { step: 'resolve', status: 'ok', ms: 1.2, detail: '/usr/bin/node' },
    { step: 'call', status: 'skipped', ms: 0, detail: 'the server has no tools' },
  ],
};
const ill: ServerReport = {
  ...nothingFound,
  id: 'web\u001b[2J',
  transport: 'http',
  status: 'failed',
  steps: [
    {
      step: 'dial',
      status: 'failed',
      ms: 31,
      code: 'ECONNREFUSED',
      detail: 'no\nconnection',
      fix: 'Start the server.',
    },
  ],
};
const report: DoctorReport = { schema: 'holdfast/v1', file: '/mcp.json', servers: [well, ill], problems: [] };

it('for a terminal there is a block for each server, with the fix below what failed', () => {
  expect(reportBlocks(report, false).split('\n')).toEqual([
    'files  ok',
    '  resolve        ok          1.2 ms  /usr/bin/node',
    '  call           skipped          –  the server has no tools',
    '',
    String.raw`web\u{1b}[2J  failed`,
    '  dial           failed       31 ms  no connection',
    '  fix: Start the server.',
    '',
    '2 servers, 1 ok, 1 failed',
  ]);
});

it('colours set off what is well and what is not', () => {
  expect(
    reportBlocks({ ...report, servers: [well] }, true)
      .split('\n')
      .slice(0, 2),
  ).toEqual([
    '\u001b[1mfiles\u001b[22m  \u001b[32mok\u001b[39m',
    '  resolve        \u001b[32mok     \u001b[39m     1.2 ms  /usr/bin/node',
  ]);
});

it('elsewhere there is a line for each step', () => {
  expect(reportLines(report).split('\n')).toEqual([
    'files: resolve: ok (1.2 ms): /usr/bin/node',
    'files: call: skipped (–): the server has no tools',
    String.raw`web\u{1b}[2J: dial: failed (31 ms): no connection; fix: Start the server.`,
    '2 servers, 1 ok, 1 failed',
  ]);
});
