import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GroupEmitted } from '../../src/machines/group-events.ts';
import {
  dwellMs,
  failbackTarget,
  isServing,
  type FailbackMode,
  type MemberView,
} from '../../src/machines/group-policy.ts';
import { as, GroupBench, type Kind } from './group-bench.ts';

const ids = ['a', 'b', 'c', 'd'];
const kinds = Object.keys(as) as readonly Kind[];

type Step =
  | { readonly type: 'member'; readonly at: number; readonly kind: Kind }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'failOver' | 'failBack' };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('member'), at: fc.nat(3), kind: fc.constantFrom(...kinds) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('wait'),
      ms: fc.constantFrom(0, 1, 3_000, 9_999, 10_000, 61_000, 900_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('failOver', 'failBack') }) },
);

const anyRun = fc.record({
  kinds: fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 4 }),
  threshold: fc.integer({ min: 1, max: 4 }),
  failback: fc.constantFrom<FailbackMode>('auto', 'auto', 'auto', 'manual', 'never'),
  failbackDelayMs: fc.constantFrom(0, 1_000, 60_000, 1_000_000),
  chances: fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { minLength: 1, maxLength: 5 }),
  steps: fc.array(anyStep, { maxLength: 60, size: 'max' }),
});

interface Shown {
  readonly active: string | null;
  readonly admits: Readonly<Record<string, boolean>>;
  readonly isAvailable: boolean;
  readonly failbackTo: string | null;
  readonly switches: number;
}

/** What somebody knows who saw the group begin and heard everything that it told since. */
function after(shown: Shown, event: GroupEmitted): Shown {
  switch (event.type) {
    case 'memberChanged':
      return { ...shown, admits: { ...shown.admits, [event.memberId]: event.admits } };
    case 'failedOver':
      return { ...shown, active: event.to, switches: shown.switches + 1 };
    case 'failedBack':
      return { ...shown, active: event.to, switches: shown.switches + 1, failbackTo: null };
    case 'failbackScheduled':
      return { ...shown, failbackTo: event.to };
    case 'failbackCancelled':
      return { ...shown, failbackTo: null };
    case 'groupUnavailable':
      return { ...shown, isAvailable: false };
    case 'groupAvailable':
      return { ...shown, isAvailable: true };
  }
}

/** A group whose every step is compared with what must always hold. */
class Run {
  readonly group: GroupBench;
  readonly reached = new Set<string>();
  #shown: Shown;
  #told = 0;
  #lastSwitchMs = Number.NEGATIVE_INFINITY;

  constructor(group: GroupBench) {
    this.group = group;
    this.#shown = this.#present();
    this.#told = group.emitted.length;
  }

  async take(step: Step): Promise<void> {
    const { group } = this;
    if (step.type === 'wait') {
      // From timer to timer, so that every step is seen.
      const until = group.clock.monotonic() + step.ms;
      for (let due = group.clock.nextDueMs; due !== null && due <= until; due = group.clock.nextDueMs) {
        await this.#observed(() => group.clock.advance((due ?? 0) - group.clock.monotonic()));
      }
      await group.clock.advance(until - group.clock.monotonic());
      return;
    }
    await this.#observed(() => {
      const id = step.type === 'member' ? group.context.members[step.at % group.context.members.length]?.id : undefined;
      if (step.type === 'member') group.is(step.kind, id ?? 'a');
      else if (step.type === 'failOver') group.failOver();
      else group.failBack();
    }, step);
  }

  async #observed(act: () => unknown, step?: Step): Promise<void> {
    const { group } = this;
    const before = group.context;
    await act();
    const events = group.emitted.slice(this.#told);
    this.#told = group.emitted.length;
    this.#checkSwitches(before.active, events, step);
    for (const event of events) this.#shown = after(this.#shown, event);
    assert.deepEqual(this.#present(), this.#shown, 'replaying what it told gives what it is');
    this.#checkState();
  }

  #checkSwitches(before: string | null, events: readonly GroupEmitted[], step: Step | undefined): void {
    const { members } = this.group.context;
    const now = this.group.clock.monotonic();
    let at = before;
    for (const event of events) {
      if (event.type !== 'failedOver' && event.type !== 'failedBack') continue;
      const left = members.find(({ id }) => id === event.from);
      const to = members.find(({ id }) => id === event.to);
      assert.equal(event.from, at);
      assert.notEqual(event.to, event.from);
      at = event.to;
      assert.equal(event.byHand, step?.type === 'failOver' || step?.type === 'failBack');
      if (!event.byHand && left?.linked === true) {
        assert.ok(now - this.#lastSwitchMs >= dwellMs, `${event.type} ${now - this.#lastSwitchMs} ms after a switch`);
      }
      if (!event.byHand && event.type === 'failedOver') assert.ok(left !== undefined && !this.#serves(left));
      if (event.type === 'failedBack' && !event.byHand) assert.equal(to?.state, 'healthy');
      if (members.some(({ admits }) => admits)) assert.equal(to?.admits, true);
      if (members.some(({ id, state }) => id !== event.from && state !== 'absent'))
        assert.notEqual(to?.state, 'absent');
      this.#lastSwitchMs = now;
    }
  }

  #checkState(): void {
    const { group } = this;
    const { members, active, policy, dwelling, failback, heldByHand } = group.context;
    this.reached.add(group.state);
    const current = members.find(({ id }) => id === active);
    const isDown = members.every(({ admits }) => !admits);
    assert.equal(group.state === 'unavailable', isDown);
    if (!isDown) assert.equal(group.state === 'onPrimary', active === members[0]?.id);
    if (current !== undefined && !this.#serves(current) && !current.starting) {
      const better = members.some((member) => member !== current && this.#serves(member));
      if (better) assert.ok(dwelling && current.linked, `${active} is kept though another serves`);
    }
    const back =
      policy.failback === 'auto' && !heldByHand && !isDown ? failbackTarget(members, active, policy) : undefined;
    assert.equal(failback?.to, back?.id);
    assert.equal(group.timers.length, (failback === null ? 0 : 1) + (dwelling ? 1 : 0));
    const { memory } = group;
    if (memory !== undefined) assert.deepEqual({ ...group.context, ...memory }, group.context);
  }

  #serves(member: MemberView): boolean {
    return isServing(member, this.group.context.policy);
  }

  #present(): Shown {
    const { active, members, failback, switches } = this.group.context;
    return {
      active,
      admits: Object.fromEntries(members.map(({ id, admits }) => [id, admits])),
      isAvailable: this.group.state !== 'unavailable',
      failbackTo: failback?.to ?? null,
      switches,
    };
  }
}

describe('whatever happens to the members of a group in whatever order', () => {
  it('its invariants hold after every step, and every state is reached in the course of it', async () => {
    const reached = new Set<string>();
    await fc.assert(
      fc.asyncProperty(anyRun, async ({ chances, threshold, steps, failback, failbackDelayMs, ...rest }) => {
        let draws = 0;
        const run = new Run(
          new GroupBench({
            members: rest.kinds.map((kind, index) => as[kind](ids[index] ?? '?')),
            policy: { failoverThreshold: threshold, failback, failbackDelayMs },
            random: () => chances[draws++ % chances.length] ?? 0,
          }),
        );
        for (const step of steps) await run.take(step);
        for (const state of run.reached) reached.add(state);
        run.group.stop();
      }),
      { numRuns: 250 },
    );
    expect([...reached].toSorted()).toEqual(['failingBack', 'holding', 'onPrimary', 'unavailable']);
  }, 60_000);
});
