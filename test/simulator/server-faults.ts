import type { Fault } from '../../src/index.ts';
import type { SimulatedBehaviour, SimulatedServer } from '../../src/testing/index.ts';
import { castTools } from './cast.ts';
import { type FaultKind, ignoringRefusal, nothing, repeatedly } from './fault-kind.ts';
import { keyOf } from './recorder.ts';
import { echo, personMs, type Stage } from './stage.ts';

const short = [1_000, 4_000] as const;
const long = [8_000, 40_000] as const;

/** A fault that is done to each of its servers at once, and leaves nothing to end. */
function done(act: (server: SimulatedServer, stage: Stage) => void, only?: FaultKind['only']): FaultKind {
  return {
    lastsMs: short,
    reach: 'one',
    only,
    begin: (stage, ids) => {
      for (const id of ids) act(stage.server(id), stage);
      return nothing;
    },
  };
}

/** A fault that changes how its servers behave while it lasts. */
function behaving(
  change: (stage: Stage, id: string) => Partial<SimulatedBehaviour>,
  only?: FaultKind['only'],
): FaultKind {
  return {
    lastsMs: long,
    reach: 'one',
    only,
    begin: (stage, ids) => {
      for (const id of ids) stage.servers.server(id, change(stage, id));
      return nothing;
    },
  };
}

/** No connection is accepted, for this reason; the present one is lost with it. Its owner mends it and says so. */
function refusing(kind: Fault['kind'], code: string, more: Partial<Fault> = {}): FaultKind {
  return {
    lastsMs: long,
    reach: 'one',
    begin: (stage, ids) => {
      for (const id of ids) {
        const refuse = { kind, code, message: stage.wordsOf(id, `it refuses with ${code}`), ...more };
        stage.servers.server(id, { refuse }).breakLink();
      }
      return () => {
        for (const id of ids) {
          stage.mend(id);
          if (kind === 'auth' || kind === 'config' || kind === 'incompatible')
            ignoringRefusal(() => stage.manager.session(id).reconnect('mended'));
        }
      };
    },
  };
}

/** Calls are turned away with this fault, and nothing of them is executed. */
function turningAway(kind: Fault['kind'], code: string, more: Partial<Fault> = {}): FaultKind {
  return behaving((stage, id) => {
    const fault = { kind, code, message: stage.wordsOf(id, `it turns calls away with ${code}`), ...more };
    return { turnsAway: { kind: 'refused', sent: true, fault } };
  }, 'http');
}

function flooding(everyMs: number, act: (stage: Stage, id: string) => void): FaultKind {
  return {
    lastsMs: short,
    reach: 'one',
    begin: (stage, ids) =>
      repeatedly(stage, everyMs, () => {
        for (const id of ids) act(stage, id);
      }),
  };
}

const otherTools = [
  castTools[0],
  { ...castTools[1], inputSchema: { type: 'object', properties: { key: { type: 'string' } } }, annotations: {} },
  { name: 'new', inputSchema: { type: 'object' } },
];

function isEven(key: string): boolean {
  return Number(key.slice(1)) % 2 === 0;
}

/** What can happen to servers and to the connections with them. */
export const serverFaults = {
  exit: done((server) => {
    server.exit(3);
  }, 'stdio'),
  kill: done((server) => {
    server.kill();
  }, 'stdio'),
  'crash loop': {
    lastsMs: long,
    reach: 'one',
    only: 'stdio',
    begin: (stage, ids) =>
      repeatedly(stage, 700, () => {
        for (const id of ids) stage.server(id).exit(1);
      }),
  },
  unreachable: refusing('unreachable', 'ECONNREFUSED'),
  'wants other credentials': refusing('auth', 'http:401'),
  'asks to be left alone': refusing('overload', 'http:429', { retryAfterMs: 7_000 }),
  'is configured wrongly': refusing('config', 'ENOENT'),
  'speaks another version': refusing('incompatible', 'version'),
  'never answers initialize': {
    lastsMs: long,
    reach: 'one',
    begin: (stage, ids) => {
      for (const id of ids) stage.servers.server(id, { answersInitialize: false }).breakLink();
      return nothing;
    },
  },
  hang: {
    lastsMs: long,
    reach: 'one',
    begin: (stage, ids) => {
      for (const id of ids) stage.server(id).hang();
      return nothing;
    },
  },
  'hang of the link': {
    lastsMs: long,
    reach: 'one',
    begin: (stage, ids) => {
      for (const id of ids) stage.server(id).hangLink();
      return nothing;
    },
  },
  partition: {
    lastsMs: long,
    reach: 'several',
    begin: (stage, ids) => {
      for (const id of ids) stage.server(id).hang();
      return nothing;
    },
  },
  'partition of a group': {
    lastsMs: long,
    reach: 'group',
    begin: (stage, ids) => {
      for (const id of ids) stage.server(id).hang();
      return nothing;
    },
  },
  'no pings': behaving(() => ({ answersPing: false })),
  zombie: behaving(() => ({ answersCalls: false })),
  'answers every other call': behaving(() => ({
    onCall: (_name, args) => (isEven(keyOf(args)) ? echo(args) : new Promise(() => undefined)),
  })),
  'broken link': done((server) => {
    server.breakLink();
  }),
  'lost session': done((server) => {
    server.loseSession();
  }, 'http'),
  'session lost again and again': flooding(900, (stage, id) => {
    stage.server(id).loseSession();
  }),
  slow: behaving(() => ({ answerMs: 3_500 })),
  'a little slow': behaving(() => ({ answerMs: 900 })),
  congestion: {
    lastsMs: long,
    reach: 'one',
    begin: (stage, ids) => {
      for (const id of ids) stage.server(id).congest();
      return nothing;
    },
  },
  'http 401': turningAway('auth', 'http:401'),
  'http 429 with a time': turningAway('overload', 'http:429', { retryAfterMs: 1_500 }),
  'http 429': turningAway('overload', 'http:429'),
  'http 404 of a session': turningAway('session-lost', 'http:404'),
  'http 502': behaving(
    (stage, id) => ({
      losesReplies: { kind: 'transport', code: 'http:502', message: stage.wordsOf(id, 'a gateway says 502') },
    }),
    'http',
  ),
  'loses replies': behaving((stage, id) => ({
    losesReplies: { kind: 'transport', code: 'ECONNRESET', message: stage.wordsOf(id, 'the reply was cut off') },
  })),
  'loses most replies': {
    lastsMs: [20_000, 40_000],
    reach: 'one',
    begin: (stage, ids) => {
      const [id = ''] = ids;
      const lost = {
        kind: 'transport',
        code: 'ECONNRESET',
        message: stage.wordsOf(id, 'the reply was cut off'),
      } as const;
      let round = 0;
      const stop = repeatedly(stage, 700, () => {
        round += 1;
        stage.servers.server(id, { losesReplies: round % 3 === 0 ? null : lost });
      });
      stage.favourite = id;
      return () => {
        stage.favourite = null;
        return stop();
      };
    },
  },
  'errors that say too much': behaving((stage, id) => ({
    onCall: () => {
      throw Object.assign(new Error(stage.wordsOf(id, 'it failed')), { code: -32_000 });
    },
  })),
  'other tools': {
    lastsMs: long,
    reach: 'one',
    only: 'ungrouped',
    begin: (stage, ids) => {
      for (const id of ids) {
        stage.servers.server(id, { tools: otherTools }).notify('notifications/tools/list_changed');
      }
      return () => {
        for (const id of ids) {
          stage.servers.server(id, { tools: castTools }).notify('notifications/tools/list_changed');
        }
      };
    },
  },
  'list_changed flood': flooding(40, (stage, id) => {
    stage.server(id).notify('notifications/tools/list_changed');
  }),
  'another release': {
    lastsMs: long,
    reach: 'one',
    begin: (stage, ids) => {
      for (const id of ids) {
        const server = stage.servers.server(id, {
          version: '2.0.0',
          era: 'modern',
          capabilities: { tools: {}, logging: {} },
        });
        server.breakLink();
      }
      return nothing;
    },
  },
  complaints: flooding(150, (stage, id) => {
    stage
      .server(id)
      .fault({ kind: 'protocol', code: 'garbage', message: stage.wordsOf(id, 'a line that is no message') });
  }),
  'stderr flood': flooding(20, (stage, id) => {
    stage.server(id).stderr(stage.wordsOf(id, 'error: something'));
  }),
  'slow close': {
    lastsMs: long,
    reach: 'one',
    begin: (stage, ids) => {
      for (const id of ids) stage.servers.server(id, { closeMs: 9_000, killMs: 2_500 }).loseSession();
      return nothing;
    },
  },
  'asks people': {
    lastsMs: [personMs, personMs + 5_000],
    reach: 'one',
    begin: (stage, ids) => {
      for (const id of ids) {
        stage.servers.server(id, { answerMs: 6_000 });
        stage.recorder.note({ kind: 'asked', serverId: id, ms: personMs });
        // A server that is not connected asks nobody.
        stage.server(id).ask('elicitation/create', {}).catch(nothing);
      }
      return nothing;
    },
  },
} as const satisfies Record<string, FaultKind>;
