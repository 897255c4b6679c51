import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  backByHand,
  failbackMs,
  failbackTarget,
  failoverTarget,
  hesitationAfter,
  isServing,
  nextByHand,
  select,
  type GroupPolicy,
  type MemberView,
} from '../../src/machines/group-policy.ts';
import { as } from './group-bench.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];

const anyPolicy: fc.Arbitrary<GroupPolicy> = fc.record({
  failoverThreshold: fc.integer({ min: 1, max: 5 }),
  failback: fc.constantFrom('auto', 'manual', 'never'),
  failbackDelayMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2_000_000 })),
});

/** What a session may really be: who takes calls has a link, or is lazy. */
const anyMember = fc
  .tuple(
    fc.constantFrom('healthy', 'degraded', 'unhealthy', 'gone', 'starting', 'lazy', 'absent'),
    fc.integer({ min: 0, max: 5 }),
  )
  .map(([kind, failures]) => ({
    ...as[kind]('?'),
    ...(kind === 'healthy' || kind === 'degraded' || kind === 'unhealthy' ? { failures } : {}),
  }));

const anyGroup = fc
  .tuple(fc.array(anyMember, { minLength: 1, maxLength: 5 }), fc.nat(), fc.integer({ min: 0, max: 9 }))
  .map(([list, at, none]) => {
    const members: readonly MemberView[] = list.map((member, index) => ({ ...member, id: ids[index] ?? '?' }));
    return { members, active: none === 0 ? null : (members[at % members.length]?.id ?? null) };
  });

const anyChance = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

describe('whatever the members are', () => {
  it('select never chooses one that takes no calls while another does, and each at most once', () => {
    fc.assert(
      fc.property(anyGroup, anyPolicy, ({ members, active }, policy) => {
        const chosen = select(members, active, policy);
        const admitting = members.filter(({ admits }) => admits);
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen.length).toBe(admitting.length > 0 ? admitting.length : members.filter((m) => m.linked).length);
        for (const member of chosen) {
          expect(members).toContain(member);
          expect(admitting.length > 0 ? member.admits : member.linked).toBe(true);
        }
      }),
    );
  });

  it('select puts those that serve before those that fail their calls, the active one first, the rest by priority', () => {
    fc.assert(
      fc.property(anyGroup, anyPolicy, ({ members, active }, policy) => {
        const chosen = select(members, active, policy);
        const byPriority = members.filter((member) => chosen.includes(member));
        const activeFirst = [
          ...byPriority.filter(({ id }) => id === active),
          ...byPriority.filter(({ id }) => id !== active),
        ];
        const expected = chosen.some(({ admits }) => admits)
          ? [
              ...activeFirst.filter((member) => isServing(member, policy)),
              ...activeFirst.filter((member) => !isServing(member, policy)),
            ]
          : byPriority.toSorted((one, other) => one.failures - other.failures);
        expect(chosen).toEqual(expected);
      }),
    );
  });

  it('a call goes first to the member that the group would move to', () => {
    fc.assert(
      fc.property(anyGroup, anyPolicy, ({ members, active }, policy) => {
        const target = failoverTarget(members, active, policy);
        expect(target?.admits === true ? select(members, target.id, policy)[0] : target).toBe(target);
      }),
    );
  });

  it('a member that serves, or is on its first way up, is never left; any other is left for the most wanted that serves', () => {
    fc.assert(
      fc.property(anyGroup, anyPolicy, ({ members, active }, policy) => {
        const current = members.find(({ id }) => id === active);
        const others = members.filter((member) => member !== current);
        const stays = current !== undefined && (isServing(current, policy) || current.starting);
        const serving = others.find((member) => isServing(member, policy));
        const admitting = current?.admits === true ? undefined : others.find(({ admits }) => admits);
        const isThere = current !== undefined && current.state !== 'absent';
        const present = isThere ? undefined : others.find(({ state }) => state !== 'absent');
        const expected = current?.admits === true ? serving : (serving ?? admitting ?? present);
        expect(failoverTarget(members, active, policy)).toBe(stays ? undefined : expected);
      }),
    );
  });

  it('a switch settles it: nobody is left twice for the same reason', () => {
    fc.assert(
      fc.property(anyGroup, anyPolicy, ({ members, active }, policy) => {
        const targets = [failoverTarget(members, active, policy), failbackTarget(members, active, policy)];
        const next = targets.map((target) => target && failoverTarget(members, target.id, policy));
        expect(next).toEqual([undefined, undefined]);
      }),
    );
  });

  it('failback leads up, to a healthy member that serves, and to no lesser one than there is', () => {
    fc.assert(
      fc.property(anyGroup, anyPolicy, ({ members, active }, policy) => {
        const current = members.findIndex(({ id }) => id === active);
        const target = failbackTarget(members, active, policy);
        const better = current === -1 ? members : members.slice(0, current);
        expect(target).toBe(better.find((member) => member.state === 'healthy' && isServing(member, policy)));
      }),
    );
  });

  it('by hand it moves only to members that take calls, away from the active one, and back only upwards', () => {
    fc.assert(
      fc.property(anyGroup, anyPolicy, ({ members, active }, policy) => {
        const current = members.findIndex(({ id }) => id === active);
        const others = members.filter(({ id, admits }) => id !== active && admits);
        const better =
          current === -1 ? others : others.filter(({ id }) => members.findIndex((m) => m.id === id) < current);
        const next = nextByHand(members, active, policy);
        const back = backByHand(members, active, policy);
        expect(next === undefined ? others.length === 0 : others.includes(next)).toBe(true);
        expect(back === undefined ? better.length === 0 : better.includes(back)).toBe(true);
        for (const [target, choice] of [
          [next, others],
          [back, better],
        ] as const) {
          const serving = choice.filter((member) => isServing(member, policy));
          expect(target === undefined || serving.length === 0 || serving.includes(target)).toBe(true);
        }
      }),
    );
  });

  it('failing over by hand again and again comes by every member that serves', () => {
    fc.assert(
      fc.property(anyGroup, anyPolicy, ({ members }, policy) => {
        const serving = members.filter((member) => isServing(member, policy));
        let active: string | null = null;
        const seen = new Set<string>();
        for (let turn = 0; turn < serving.length; turn += 1) {
          active = nextByHand(members, active, policy)?.id ?? active;
          if (active !== null) seen.add(active);
        }
        for (const { id } of serving) expect(seen).toContain(id);
      }),
    );
  });

  it('the delay of a failback is within its bounds, and grows with the hesitation', () => {
    fc.assert(
      fc.property(anyPolicy, fc.integer({ min: 0, max: 3_000 }), anyChance, (policy, steps, chance) => {
        const ms = failbackMs(policy, steps, chance);
        const most = Math.max(900_000, policy.failbackDelayMs);
        expect(ms).toBeGreaterThanOrEqual(0.8 * policy.failbackDelayMs);
        expect(ms).toBeLessThanOrEqual(1.2 * most);
        expect(failbackMs(policy, steps + 1, chance)).toBeGreaterThanOrEqual(ms);
      }),
    );
  });

  it('the hesitation is a whole number of steps, never below none, and at most one more than before', () => {
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: 0, max: 100 })),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (steps, ms) => {
          const after = hesitationAfter(steps, ms);
          expect(Number.isInteger(after)).toBe(true);
          expect(after).toBeGreaterThanOrEqual(0);
          expect(after).toBeLessThanOrEqual((steps ?? -1) + 1);
        },
      ),
    );
  });
});
