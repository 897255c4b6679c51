import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ServerOptions, ServerTarget } from '../../src/index.ts';
import { failureOf, secondConnection, textOf, unhurried } from '../e2e/stage.ts';
import { NeighbourStage, unchecked } from './neighbour-stage.ts';

interface BadStart {
  readonly what: string;
  readonly server: (stage: NeighbourStage) => ServerTarget;
  readonly options?: ServerOptions;
  readonly faultCode: string;
  /** What is told of the one attempt, between its begin and its release. */
  readonly attempt?: readonly string[];
  /** Where the session waits before it is removed. */
  readonly rests?: string;
  /** Lives of the server, as it counted them itself. */
  readonly starts: number;
}

const impatient = { connectTimeoutMs: 500 };

const badStarts: BadStart[] = [
  {
    what: 'has no program',
    server: (stage) => stage.command('bad', 'no-such-server-anywhere', []),
    faultCode: 'ENOENT',
    rests: 'disconnected.parked.config',
    starts: 0,
  },
  { what: 'exits at once', server: (stage) => stage.server('bad', 'exit-start:3'), faultCode: 'exit:3', starts: 1 },
  {
    what: 'exits when it is asked to initialize',
    server: (stage) => stage.server('bad', 'exit-init'),
    faultCode: 'exit:1',
    starts: 1,
  },
  {
    what: 'needs longer than it may',
    server: (stage) => stage.server('bad', 'slow-start=600000'),
    options: impatient,
    faultCode: 'connect-timeout',
    starts: 1,
  },
  {
    what: 'never answers initialize',
    server: (stage) => stage.server('bad', 'no-init'),
    options: impatient,
    faultCode: 'connect-timeout',
    starts: 1,
  },
  {
    what: 'speaks a protocol version that nobody knows',
    server: (stage) => stage.ruleBreaker('bad', 'version'),
    faultCode: 'protocol-version',
    rests: 'disconnected.parked.incompatible',
    starts: 1,
  },
  {
    what: 'initializes and never answers a ping',
    server: (stage) => stage.ruleBreaker('bad', 'no-ping'),
    options: { healthCheck: { timeoutMs: 500 } },
    faultCode: 'check-timeout',
    attempt: ['1 connecting.verifying', '1 check failed: check-timeout'],
    starts: 1,
  },
];

describe('a server that cannot be started', unhurried, () => {
  test.each(badStarts)(
    'since it $what is refused with $faultCode, leaves no process, and disturbs no other',
    async ({ server, options, faultCode, attempt = [], rests = 'disconnected.backingOff', starts }) => {
      const stage = await NeighbourStage.open();
      expect(await failureOf(stage.add('bad', server(stage), options))).toMatchObject({
        name: 'ConnectError',
        code: 'CONNECT',
        outcome: 'not-sent',
        faultCode,
        serverId: 'bad',
        generation: 1,
      });
      expect(stage.processes('bad')).toEqual([]);
      expect(stage.story('bad')).toEqual([
        '0 serverAdded',
        '0 connecting.waiting',
        '1 connecting.opening',
        ...attempt,
        '1 releasing',
        '1 attempt 1 scheduled',
        `1 ${rests}`,
        '1 closed',
        '1 serverRemoved',
      ]);
      expect(stage.log('bad').filter((line) => line.startsWith('start'))).toHaveLength(starts);
      expect(stage.manager.listSessions().map(({ id }) => id)).toEqual(['neighbour']);
      await stage.close();
    },
  );

  test('in time is tried again only when nothing of the attempt before runs any more', async () => {
    const stage = await NeighbourStage.open();
    const target = stage.server('slow', 'slow-start=600000', 'ignore-term', 'grandchild-ignore-term');
    await stage.add('slow', target, { ...unchecked, ...impatient, waitForReady: false });
    await stage.reaches('slow', 'connecting.waiting', 2);
    // That no two of them overlapped is seen at the end of every stage.
    expect(stage.story('slow').slice(0, 10)).toEqual([
      '0 serverAdded',
      '0 connecting.waiting',
      '1 connecting.opening',
      '1 releasing',
      '1 attempt 1 scheduled',
      '1 disconnected.backingOff',
      '1 connecting.waiting',
      '2 connecting.opening',
      '2 releasing',
      '2 attempt 2 scheduled',
    ]);
    await stage.close({ drainMs: 0 });
  });

  test('since its program is not there yet is held from the attempt on for which it is', async () => {
    const stage = await NeighbourStage.open();
    const program = join(stage.directory, 'server');
    const session = await stage.add('late', stage.command('late', program, []), { ...unchecked, waitForReady: false });
    await stage.reaches('late', 'disconnected.parked.config');
    const script = join(import.meta.dirname, '..', 'fixtures', 'stdio-server.mjs');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${script}'\n`);
    chmodSync(program, 0o755);
    session.reconnect();
    await session.ready({ timeoutMs: 60_000 });
    expect(await textOf(session.callTool('echo', { text: 'at last' }))).toBe('at last');
    expect(stage.story('late')).toEqual([
      '0 serverAdded',
      '0 connecting.waiting',
      '1 connecting.opening',
      '1 releasing',
      '1 attempt 1 scheduled',
      '1 disconnected.parked.config',
      '1 connecting.waiting',
      ...secondConnection(2).slice(0, -1),
      '2 catalogChanged',
      '2 connected.healthy',
    ]);
    await stage.close();
  });
});
