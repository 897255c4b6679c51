import { expect, it } from 'vitest';
import { Story } from '../../src/cli/story.ts';
import type { ConnectionState, GroupFact, ManagerEvent, Phase } from '../../src/index.ts';
import { stateOfPhase } from '../../src/machines/connection-state.ts';

type Step = readonly [
  atMs: number,
  fromPhase: Phase,
  phase: Phase,
  given?: { pid?: number; generation?: number; reason?: string },
];

/** What the story says to a server's moves, without the time of day. */
function told(...steps: readonly Step[]): readonly (string | undefined)[] {
  const story = new Story();
  const state = (phase: Phase): ConnectionState => stateOfPhase(phase, 'closed');
  return steps.map(([atMs, fromPhase, phase, { pid = null, generation = 1, reason = null } = {}], index) => {
    const event: ManagerEvent = {
      seq: index + 1,
      at: atMs,
      serverId: 'files',
      generation,
      type: 'stateChanged',
      from: state(fromPhase),
      to: state(phase),
      fromPhase,
      phase,
      pid,
      attempt: 0,
      nextAttemptAt: null,
      reason,
    };
    return story.tell(event, atMs)?.replace(/^\d\d:\d\d:\d\d {2}/, '');
  });
}

it('says nothing of a server that comes up', () => {
  expect(
    told(
      [0, 'idle', 'connecting.waiting'],
      [5, 'connecting.waiting', 'connecting.opening'],
      [9, 'connecting.hydrating', 'connected.healthy', { pid: 7 }],
    ),
  ).toEqual([undefined, undefined, undefined]);
});

it('tells that one went down and why, and after how long it is back', () => {
  expect(
    told(
      [0, 'connecting.hydrating', 'connected.healthy', { pid: 7 }],
      [1000, 'connected.healthy', 'releasing', { reason: 'killed by\nSIGKILL\u001b[2J' }],
      [1010, 'releasing', 'disconnected.backingOff'],
      [1200, 'disconnected.backingOff', 'connecting.opening', { generation: 2 }],
      [1300, 'connecting.hydrating', 'connected.healthy', { pid: 8, generation: 2 }],
    ),
  ).toEqual([
    undefined,
    'files went down (pid 7): killed by SIGKILL',
    undefined,
    undefined,
    'files is back (healthy) after 0.3 s: generation 2, pid 8',
  ]);
});

it('tells once that a server cannot be connected, then only that it is there', () => {
  expect(
    told(
      [0, 'connecting.opening', 'releasing', { reason: 'no such program' }],
      [1000, 'connecting.opening', 'releasing', { generation: 2, reason: 'no such program' }],
      [61_000, 'connecting.hydrating', 'connected.healthy', { generation: 3, pid: 9 }],
    ),
  ).toEqual([
    'files cannot be connected: no such program',
    undefined,
    'files is back (healthy) after 1m01s: generation 3, pid 9',
  ]);
});

it('tells when one that is connected becomes worse or better', () => {
  expect(
    told(
      [0, 'connected.healthy', 'connected.degraded', { reason: 'slow' }],
      [1, 'connected.degraded', 'connected.unhealthy', { reason: 'no answer' }],
      [2, 'connected.unhealthy', 'connected.healthy'],
    ),
  ).toEqual(['files is degraded: slow', 'files is unhealthy: no answer', 'files is healthy']);
});

/** What the story says to what happens to the group `pair`, without the time of day. */
function toldOfGroup(...facts: readonly GroupFact[]): readonly (string | undefined)[] {
  const story = new Story();
  return facts.map((fact, index) =>
    story.tell({ seq: index + 1, at: 0, groupId: 'pair', ...fact }, 0)?.replace(/^\d\d:\d\d:\d\d {2}/, ''),
  );
}

it('tells where the calls of a group go, and why, when a member is left', () => {
  const left = (reason: string): GroupFact => ({ type: 'failedOver', from: 'a', to: 'b', reason, byHand: false });
  expect(
    toldOfGroup(
      left('it has no connection: ended by SIGKILL (pid 4711)'),
      left('it has no connection'),
      left('it is unhealthy: no answer to a check within 5000 ms: 3 times'),
      left('it failed 3 times in a row'),
      left('it was removed'),
      { type: 'failedOver', from: 'a', to: 'b', reason: 'an upgrade\u001b[2J', byHand: true },
    ),
  ).toEqual([
    'pair: a is gone (ended by SIGKILL), calls go to b',
    'pair: a is gone, calls go to b',
    'pair: a is unhealthy (no answer to a check within 5000 ms: 3 times), calls go to b',
    'pair: a failed 3 times in a row, calls go to b',
    'pair: a was removed, calls go to b',
    'pair: a was left by hand (an upgrade), calls go to b',
  ]);
});

it('tells when calls will go back to a member, and when they do', () => {
  expect(
    toldOfGroup(
      { type: 'failbackScheduled', to: 'a', delayMs: 42_000, failbackAt: 42_000 },
      { type: 'failbackCancelled', to: 'a' },
      { type: 'failedBack', from: 'b', to: 'a', byHand: false },
      { type: 'failedBack', from: 'b', to: 'a', byHand: true },
    ),
  ).toEqual([
    'pair: a is healthy, calls go back to it in 42 s',
    undefined,
    'pair: calls go to a again',
    'pair: calls go to a again, by hand',
  ]);
});

it('tells when no member takes calls and when one does again, but nothing of a group that comes up', () => {
  expect(
    toldOfGroup(
      { type: 'groupAdded' },
      { type: 'memberChanged', memberId: 'a', admits: true },
      { type: 'groupAvailable', active: 'a' },
      { type: 'memberChanged', memberId: 'a', admits: false },
      { type: 'groupUnavailable' },
      { type: 'groupAvailable', active: 'b' },
      { type: 'groupRemoved' },
    ),
  ).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    'pair: no member takes calls',
    'pair: calls go to b',
    undefined,
  ]);
});

it('ends with a reason that is a whole sentence as with any other', () => {
  expect(
    told(
      [0, 'connecting.hydrating', 'connected.healthy'],
      [1000, 'connected.healthy', 'releasing', { reason: 'http://127.0.0.1:1 could not be reached (ECONNREFUSED).' }],
    ),
  ).toEqual([undefined, 'files went down: http://127.0.0.1:1 could not be reached (ECONNREFUSED)']);
});
