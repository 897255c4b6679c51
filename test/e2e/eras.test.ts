import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Era, Protocol, Session, SessionEvent } from '../../src/index.ts';
import { EraStage, type ServerEra } from './era-stage.ts';
import { failureOf, firstConnection, pidOf, textOf, unhurried, untiring } from './stage.ts';

const versions = { legacy: '2025-11-25', modern: '2026-07-28' } as const;

const spoken: readonly [ServerEra, Protocol, Era][] = [
  ['dual', 'auto', 'legacy'],
  ['dual', 'legacy', 'legacy'],
  ['dual', 'modern', 'modern'],
  ['modern', 'auto', 'modern'],
  ['modern', 'modern', 'modern'],
  ['legacy', 'auto', 'legacy'],
  ['legacy', 'legacy', 'legacy'],
];

const unspeakable: readonly [ServerEra, Protocol, string][] = [
  ['modern', 'legacy', 'rpc:-32022'],
  ['legacy', 'modern', 'rpc:-32601'],
];

async function expectEra(session: Session, era: Era): Promise<void> {
  expect(session.info).toMatchObject({
    state: 'healthy',
    generation: 1,
    era,
    eraSince: expect.any(Number) as number,
    protocolVersion: versions[era],
    serverInfo: { name: 'eras', version: '1.0.0' },
  });
  expect(session.info.eraSince).toBeLessThanOrEqual(session.info.establishedAt ?? 0);
  expect(await textOf(session.callTool('which'))).toBe(era);
}

describe('the era that is spoken', () => {
  it.each(spoken)(
    'with a %s server over stdio, protocol %s, is %s, in one process',
    unhurried,
    async (of, protocol, era) => {
      const stage = new EraStage();
      const session = await stage.add('a', stage.overStdio(of), { protocol });
      await expectEra(session, era);
      expect(stage.story('a')).toEqual(firstConnection);
      expect(stage.starts).toBe(1);
      await stage.close();
    },
  );

  it.each(spoken.filter(([of]) => of !== 'legacy'))(
    'with a %s server over HTTP, protocol %s, is %s',
    unhurried,
    async (of, protocol, era) => {
      const stage = new EraStage();
      const session = await stage.add('a', (await stage.overHttp(of)).target, { protocol });
      await expectEra(session, era);
      expect(stage.story('a')).toEqual(firstConnection);
      await stage.close();
    },
  );

  it.each(unspeakable)(
    'with a %s server over stdio, protocol %s, is parked after one attempt',
    unhurried,
    async (of, protocol, faultCode) => {
      const stage = new EraStage();
      const target = stage.overStdio(of);
      expect(await failureOf(stage.add('a', target, { protocol }))).toMatchObject({ code: 'CONNECT', faultCode });
      const session = await stage.add('b', target, { protocol, waitForReady: false });
      await stage.reaches('b', 'disconnected.parked.incompatible');
      expect(session.info).toMatchObject({ era: null, eraSince: null, generation: 1 });
      expect(stage.starts).toBe(2);
      await stage.close();
    },
  );

  it.each(['is silent', 'exits'] as const)(
    'with a legacy server that %s when it is asked for what it does not know is legacy, in one process',
    unhurried,
    async (how) => {
      const stage = new EraStage();
      const session = await stage.add('a', stage.odd(how === 'exits' ? 'exits' : 'silent'));
      expect(session.info).toMatchObject({ era: 'legacy', generation: 1 });
      expect(await textOf(session.callTool('which'))).toBe('legacy');
      expect(stage.starts).toBe(1);
      await stage.close();
    },
  );
});

/** A server over stdio that is another program after each start: the one that `become` names. */
function changeling(stage: EraStage): { target: ReturnType<EraStage['command']>; become: (...argv: string[]) => void } {
  const link = join(stage.directory, 'server.mjs');
  const become = (program: string, ...args: string[]): void => {
    const url = JSON.stringify(join(import.meta.dirname, 'fixtures', program));
    writeFileSync(`${link}.new`, `process.argv.splice(2, 9, ...${JSON.stringify(args)}); await import(${url});`);
    renameSync(`${link}.new`, link);
  };
  return { target: stage.command('a', process.execPath, [link]), become };
}

describe('a server that comes back', () => {
  it('in the other era is spoken to in that, and told as changed; the verdict has a new date', unhurried, async () => {
    const stage = new EraStage();
    const { target, become } = changeling(stage);
    become('eras-server.mjs', 'legacy');
    const session = await stage.add('a', target, untiring);
    const first = session.info.eraSince ?? 0;
    become('eras-server.mjs', 'modern');
    process.kill(pidOf(session), 'SIGKILL');
    await stage.reaches('a', 'connected.healthy', 2);
    expect(session.info).toMatchObject({ era: 'modern', protocolVersion: versions.modern });
    expect(session.info.eraSince).toBeGreaterThan(first);
    become('eras-server.mjs', 'legacy');
    process.kill(pidOf(session), 'SIGKILL');
    // It was known to be modern, is asked for that first, and says over the same connection that it is not.
    await stage.reaches('a', 'connected.healthy', 3);
    expect(await textOf(session.callTool('which'))).toBe('legacy');
    const changes = stage.events.filter(
      (event): event is SessionEvent & { type: 'serverChanged' } => event.type === 'serverChanged',
    );
    expect(changes.map(({ before, after }) => [before.era, after.era])).toEqual([
      ['legacy', 'modern'],
      ['modern', 'legacy'],
    ]);
    await stage.close();
  });

  it('as one that exits when it is asked for the era that it had costs one more start', unhurried, async () => {
    const stage = new EraStage();
    const { target, become } = changeling(stage);
    become('eras-server.mjs', 'modern');
    const session = await stage.add('a', target, untiring);
    become('odd-era-server.mjs', 'exits');
    process.kill(pidOf(session), 'SIGKILL');
    await stage.reaches('a', 'connected.healthy', 3);
    expect(session.info).toMatchObject({ era: 'legacy', generation: 3 });
    await stage.close();
  });

  it('with other capabilities, another version and other tools is told as such', unhurried, async () => {
    const stage = new EraStage();
    const { target, become } = changeling(stage);
    become('eras-server.mjs', 'legacy');
    const session = await stage.add('a', target, untiring);
    const offered = session.catalog.tools.map(({ tool }) => tool.name);
    expect(offered).toContain('which');
    become('odd-era-server.mjs', 'silent');
    process.kill(pidOf(session), 'SIGKILL');
    await stage.reaches('a', 'connected.healthy', 2);
    const [changed, gone] = stage.events
      .filter(({ serverId }) => serverId === 'a')
      .filter((event) => event.type === 'serverChanged' || (event.type === 'catalogChanged' && event.generation === 2));
    expect(changed).toMatchObject({
      before: { info: { name: 'eras', version: '1.0.0' }, capabilities: { tools: {}, logging: {} } },
      after: { info: { name: 'odd', version: '1.0.0' }, capabilities: {} },
    });
    expect(gone).toMatchObject({ added: [], removed: offered });
    await stage.close();
  });
});
