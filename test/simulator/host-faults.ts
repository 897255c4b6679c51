import { isHoldfastError } from '../../src/index.ts';
import { type FaultKind, nothing } from './fault-kind.ts';
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
    stage.manager.session(id).reconnect('asked for');
  }),
  'failover by hand': {
    lastsMs: moment,
    reach: 'none',
    begin: (stage, _ids, random) => {
      const group = stage.manager.group(random.pick(stage.cast.groups).id);
      try {
        if (random.chance(0.5)) group.failOver('asked for');
        else group.failBack();
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
      }
      return () => {
        try {
          group.failBack();
        } catch (error) {
          if (!isHoldfastError(error)) throw error;
        }
      };
    },
  },
} as const satisfies Record<string, FaultKind>;

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
