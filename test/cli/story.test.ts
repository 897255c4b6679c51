import { expect, it } from 'vitest';
import { Story } from '../../src/cli/story.ts';
import type { ConnectionState, ManagerEvent, Phase } from '../../src/index.ts';
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
