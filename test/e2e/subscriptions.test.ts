import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pidOf, Stage, textOf, unhurried, untiring } from './stage.ts';

const server = join(import.meta.dirname, 'fixtures', 'subscribing-server.mjs');
const uris = Array.from({ length: 200 }, (_, index) => `file:///${index}`);

it(
  'two hundred subscriptions live through twenty kills: after each return all are there, and an update is told once',
  unhurried,
  async () => {
    const stage = new Stage();
    const session = await stage.add('a', stage.command('a', process.execPath, [server]), untiring);
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
      const touched = uris[kills * 7];
      expect(await textOf(session.callTool('touch', { uri: touched }))).toBe('200');
      const told = stage.events
        .filter((event) => event.seq >= from)
        .filter((event) => event.type === 'resourceUpdated');
      expect(told.filter(({ gap }) => gap).map(({ uri }) => uri)).toEqual(uris);
      expect(told.filter(({ gap }) => !gap).map(({ uri }) => uri)).toEqual([touched]);
      expect(told.every(({ generation }) => generation === kills + 1)).toBe(true);
    }
    expect(session.subscriptions).toEqual(uris);
    await stage.close();
  },
);
