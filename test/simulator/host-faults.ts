import type { Group } from '../../src/index.ts';
import { type FaultKind, ignoringRefusal, nothing, repeatedly } from './fault-kind.ts';
import { managerCrash } from './history.ts';
import type { Stage } from './stage.ts';

const moment = [500, 3_000] as const;

/** What can happen to ourselves, and what people do in the middle of it. */
export const hostFaults = {
  stall: {
    lastsMs: moment,
    reach: 'none',
    begin: async (stage, _ids, random) => {
      const ms = random.pick([300, 2_000, 6_000, 20_000]);
      await stage.clock.stall(ms);
      stage.recorder.note({ kind: 'stalled', ms });
      return nothing;
    },
  },
  'stall while connecting': {
    lastsMs: moment,
    reach: 'one',
    only: 'lasting',
    begin: async (stage, ids) => {
      const [id = ''] = ids;
      const ms = 2 * stage.optionsOf(id).connectTimeoutMs;
      stage.server(id).breakLink();
      await stage.clock.runUntil(() => isConnecting(stage, id), { maxMs: 60_000 });
      await stage.clock.stall(ms);
      stage.recorder.note({ kind: 'stalled', ms });
      return nothing;
    },
  },
  'stall while letting go': {
    lastsMs: moment,
    reach: 'one',
    begin: async (stage, ids) => {
      // Longer than a link is given to let go, though it does so in time.
      const ms = 6_000;
      for (const id of ids) stage.servers.server(id, { killMs: 2_500 }).loseSession();
      await stage.clock.stall(ms);
      stage.recorder.note({ kind: 'stalled', ms });
      return nothing;
    },
  },
  'clock set': {
    lastsMs: moment,
    reach: 'none',
    begin: (stage, _ids, random) => {
      const ms = random.pick([-3_600_000, -20_000, 20_000, 3_600_000]);
      stage.recorder.note({ kind: 'jumped', ms });
      stage.clock.jumpWall(ms);
      return nothing;
    },
  },
  'crash while connecting': {
    lastsMs: [10_000, 20_000],
    reach: 'one',
    only: 'lasting',
    begin: (stage, ids) => {
      for (const id of ids) {
        stage.breakTimer(stage.optionsOf(id).connectTimeoutMs);
        stage.server(id).breakLink();
      }
      return () => {
        stage.mendTimers();
      };
    },
  },
  'crash while connected': {
    lastsMs: [10_000, 20_000],
    reach: 'one',
    only: 'http',
    begin: (stage, ids) => {
      for (const id of ids) {
        // The time of the overload is timed by the session's statechart, which cannot.
        const retryAfterMs = 2_000 + stage.optionsOf(id).connectTimeoutMs;
        stage.breakTimer(retryAfterMs);
        const fault = { kind: 'overload', code: 'http:429', message: 'too much', retryAfterMs } as const;
        stage.servers.server(id, { turnsAway: { kind: 'refused', sent: true, fault } });
      }
      return () => {
        stage.mendTimers();
      };
    },
  },
  'crash of the ticker': {
    lastsMs: [10_000, 20_000],
    reach: 'none',
    begin: (stage) => {
      stage.breakActor('ticker');
      return () => {
        stage.mendTimers();
      };
    },
  },
  'crash of a group': {
    lastsMs: [25_000, 35_000],
    reach: 'group',
    begin: (stage, ids) => {
      const [first = ''] = ids;
      // Once it is connected again its group plans to fail back.
      stage.breakActor('group');
      stage.server(first).breakLink();
      const timer = stage.clock.arrive(() => {
        const active = activeOf(groupOf(stage, ids), ids);
        const refuse = { kind: 'unreachable', code: 'ECONNREFUSED', message: 'it refuses' } as const;
        if (active !== undefined) stage.servers.server(active, { refuse }).breakLink();
      }, 8_000);
      return () => {
        stage.clock.clearTimeout(timer);
        stage.mendTimers();
      };
    },
  },
  [managerCrash]: {
    lastsMs: [10_000, 20_000],
    reach: 'one',
    only: 'lasting',
    begin: (stage, ids) => {
      stage.breakActor('manager');
      for (const id of ids) {
        stage.breakTimer(stage.optionsOf(id).connectTimeoutMs);
        stage.server(id).breakLink();
      }
      return () => {
        stage.mendTimers();
      };
    },
  },
  'late words': {
    lastsMs: moment,
    reach: 'none',
    begin: (stage, _ids, random) => {
      for (const what of ['fault', 'opened', 'down'] as const) {
        stage.links.speakLate((specs) => random.pick(specs), what);
      }
      return nothing;
    },
  },
  removal: {
    lastsMs: [3_000, 8_000],
    reach: 'one',
    begin: (stage, ids, random) => {
      const drainMs = random.pick([0, 500, 2_000]);
      const removed = Promise.all(ids.map((id) => stage.manager.removeServer(id, { drainMs })));
      return async () => {
        await removed;
        for (const server of stage.cast.servers) {
          if (ids.includes(server.id)) await stage.add(server);
        }
      };
    },
  },
  'reset by hand': byHand((stage, id) => {
    stage.manager.session(id).resetCircuit();
  }),
  'reconnect by hand': byHand((stage, id) => {
    ignoringRefusal(() => stage.manager.session(id).reconnect('asked for'));
  }),
  'failback by hand to one that failed its calls': {
    lastsMs: [10_000, 20_000],
    reach: 'group',
    begin: (stage, ids) => {
      const group = groupOf(stage, ids);
      const active = activeOf(group, ids);
      if (group === undefined || active === undefined) return nothing;
      const fault = { kind: 'transport', code: 'ECONNRESET', message: 'the reply was cut off' } as const;
      stage.servers.server(active, { losesReplies: fault });
      stage.favourite = active;
      const stop = repeatedly(stage, 20, () => {
        if (stage.favourite !== active || group.active === active) return;
        stage.favourite = null;
        stage.servers.server(active, { losesReplies: null });
        ignoringRefusal(() => group.failBack());
      });
      return () => {
        stage.favourite = null;
        return stop();
      };
    },
  },
  'failover by hand': {
    lastsMs: moment,
    reach: 'none',
    begin: (stage, _ids, random) => {
      const group = stage.manager.group(random.pick(stage.cast.groups).id);
      const isOver = random.chance(0.5);
      ignoringRefusal(() => {
        if (isOver) group.failOver('asked for');
        else group.failBack();
      });
      return () => {
        ignoringRefusal(() => group.failBack());
      };
    },
  },
} as const satisfies Record<string, FaultKind>;

/** The group that has all of these as members. */
function groupOf({ cast, manager }: Stage, ids: readonly string[]): Group | undefined {
  const found = cast.groups.find(({ members }) => ids.every((id) => members.includes(id)));
  return found === undefined ? undefined : manager.group(found.id);
}

/** Its active member, if that is one of these. */
function activeOf(group: Group | undefined, ids: readonly string[]): string | undefined {
  return group?.active !== undefined && ids.includes(group.active) ? group.active : undefined;
}

function isConnecting({ manager }: Stage, id: string): boolean {
  return manager.getSessionInfo(id)?.phase.startsWith('connect') === true;
}

function byHand(act: (stage: Stage, id: string) => void): FaultKind {
  return {
    lastsMs: moment,
    reach: 'one',
    begin: (stage, ids) => {
      for (const id of ids) act(stage, id);
      return nothing;
    },
  };
}
