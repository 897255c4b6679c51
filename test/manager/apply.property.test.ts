import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { GroupSettings } from '../../src/config/index.ts';
import type { Session } from '../../src/index.ts';
import { apply, problem, roomyWorld } from './applied-config.ts';
import type { Written } from './applied-config.ts';

const ids = ['a', 'b', 'c', 'd'];
const server = fc.record(
  { args: fc.constantFrom('1', '2'), off: fc.constant(true as const), maxInFlight: fc.constantFrom(1, 2) },
  { requiredKeys: [] },
);
const group: fc.Arbitrary<GroupSettings> = fc
  .tuple(fc.shuffledSubarray(ids, { minLength: 2, maxLength: 3 }), fc.constantFrom(1, 3))
  .map(([[primary = '', ...backups], failoverThreshold]) => ({ primary, backups, failoverThreshold }));
const written: fc.Arbitrary<Written> = fc.record({
  servers: fc.dictionary(fc.constantFrom(...ids, 'x'), server, { maxKeys: 5 }),
  groups: fc.dictionary(fc.constantFrom('pair', 'trio', 'x'), group, { maxKeys: 2 }),
  defaults: fc.record({ maxInFlight: fc.constantFrom(1, 2), maxQueue: fc.constantFrom(1, 2) }, { requiredKeys: [] }),
});

/** What a configuration wants, as far as it can be had. */
function wanted({ servers = {}, groups = {}, defaults = {} }: Written): {
  readonly servers: ReadonlyMap<string, string>;
  readonly groups: ReadonlyMap<string, string>;
} {
  const enabled = Object.entries(servers).filter(([, { off }]) => off === undefined);
  const forms = new Map(
    enabled.map(([id, { maxInFlight = defaults.maxInFlight, ...own }]) => [
      id,
      JSON.stringify([own.args, maxInFlight, defaults.maxQueue]),
    ]),
  );
  const whole = Object.entries(groups).filter(
    ([id, { primary, backups }]) => !forms.has(id) && [primary, ...backups].every((member) => forms.has(member)),
  );
  return { servers: forms, groups: new Map(whole.map(([id, each]) => [id, JSON.stringify(each)])) };
}

it('whatever was applied before, what is held is what the last one says, and what did not change is the same session', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(written, { minLength: 2, maxLength: 6 }), async (all) => {
      const w = roomyWorld();
      let before = wanted({});
      let sessions = new Map<string, Session>();
      for (const each of all) {
        const { groups = {} } = each;
        const report = await apply(w, each);
        const now = wanted(each);
        expect(new Set(w.manager.listSessions().map(({ id }) => id))).toEqual(new Set(now.servers.keys()));
        // A group that cannot be what it is to be now stays what it was.
        const kept = report.groups.flatMap((told) => (told.change === 'refused' && told.kept ? [told.id] : []));
        const heldGroups = w.manager.listGroups();
        expect(new Set(heldGroups.map(({ id }) => id))).toEqual(new Set([...now.groups.keys(), ...kept]));
        for (const { id, failoverThreshold } of heldGroups.filter((held) => !kept.includes(held.id)))
          expect(failoverThreshold).toBe(groups[id]?.failoverThreshold);
        const same = [...now.servers].filter(([id, form]) => before.servers.get(id) === form).map(([id]) => id);
        const isSame = [...now.servers.keys()].filter((id) => w.manager.session(id) === sessions.get(id));
        expect(new Set(isSame)).toEqual(new Set(same));
        const unchanged = report.servers.filter(({ change }) => change === 'unchanged').map(({ id }) => id);
        expect(new Set(unchanged)).toEqual(new Set(same));
        before = now;
        sessions = new Map([...now.servers.keys()].map((id) => [id, w.manager.session(id)]));
      }
      await apply(w, {});
      expect([w.manager.sessionCount, w.manager.listGroups().length]).toEqual([0, 0]);
    }),
    { numRuns: 100 },
  );
});

it('a mistake that may concern anything changes nothing that is held', async () => {
  await fc.assert(
    fc.asyncProperty(written, written, async (first, second) => {
      const w = roomyWorld();
      await apply(w, first);
      const held = new Map(w.manager.listSessions().map(({ id }) => [id, w.manager.session(id)]));
      const groups = new Map(w.manager.listGroups().map(({ id }) => [id, w.manager.group(id)]));
      await apply(w, { ...second, problems: [problem(null)] });
      for (const [id, session] of held) expect(w.manager.session(id)).toBe(session);
      for (const [id, handle] of groups) expect(w.manager.group(id)).toBe(handle);
    }),
    { numRuns: 40 },
  );
});
