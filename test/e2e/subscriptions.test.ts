import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Era } from '../../src/index.ts';
import { pidOf, Stage, textOf, unhurried, untiring } from './stage.ts';

const program = (name: string): string => join(import.meta.dirname, 'fixtures', name);

const servers: readonly [Era, string[], string][] = [
  ['legacy', [program('subscribing-server.mjs')], '200'],
  ['modern', [program('eras-server.mjs'), 'modern'], 'touched'],
];

const uris = Array.from({ length: 200 }, (_, index) => `file:///${index}`);

it.each(servers)(
  'in the %s era, two hundred subscriptions live through twenty kills: after each return all are there, and an update is told once',
  unhurried,
  async (era, argv, touched) => {
    const stage = new Stage();
    const session = await stage.add('a', stage.command('a', process.execPath, argv), untiring);
    await Promise.all(uris.map((uri) => session.subscribeResource(uri)));
    for (let kills = 1; kills <= 20; kills += 1) {
      const from = stage.now;
      process.kill(pidOf(session), 'SIGKILL');
      await stage.until(
        `all gaps after kill ${kills}`,
        (event): event is typeof event =>
          event.seq >= from &&
          stage.events.filter((each) => each.seq >= from && each.type === 'resourceUpdated').length === 200,
      );
      const uri = uris[kills * 7];
      expect(await textOf(session.callTool('touch', { uri }))).toBe(touched);
      const told = stage.events
        .filter((event) => event.seq >= from)
        .filter((event) => event.type === 'resourceUpdated');
      expect(told.filter(({ gap }) => gap).map((each) => each.uri)).toEqual(uris);
      expect(told.filter(({ gap }) => !gap).map((each) => each.uri)).toEqual([uri]);
      expect(told.every(({ generation }) => generation === kills + 1)).toBe(true);
    }
    expect(session.info.era).toBe(era);
    expect(session.subscriptions).toEqual(uris);
    await stage.close();
  },
);
