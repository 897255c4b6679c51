/**
 * One server's connection as a statechart: a table over the policies beside it.
 * `docs/machines/session.md` draws it; `session-setup.ts` says what its words mean.
 */
import { and, not } from 'xstate';
import { initialContext } from './session-context.ts';
import {
  bound,
  circuitTo,
  circuitTripped,
  goodCheck,
  letGo,
  lostSession,
  noted,
  parked,
  recycled,
  retry,
  toConnected,
  toConnecting,
} from './session-rows.ts';
import { sessionSetup } from './session-setup.ts';
import type { SessionWorld } from './session-world.ts';

export type SessionMachine = ReturnType<typeof createSessionMachine>;

export function createSessionMachine(world: SessionWorld) {
  return sessionSetup(world).createMachine({
    id: 'session',
    context: ({ input }) => initialContext(input),
    initial: 'idle',
    on: {
      'SESSION.ABANDON': { target: '.closed' },
      'CIRCUIT.RESET': { guard: not('is closed for good'), actions: circuitTo('normal') },
      'LINK.SPAWNED': [
        { guard: 'is current', actions: 'note the process' },
        { guard: 'is stale', actions: 'count a stale event' },
      ],
      'LINK.OPENED': { guard: 'is stale', actions: 'count a stale event' },
      'LINK.FAULT': { guard: 'is stale', actions: 'count a stale event' },
      'LINK.DOWN': { guard: 'is stale', actions: 'count a stale event' },
      'LINK.RELEASED': { guard: 'is stale', actions: 'count a stale event' },
      'SESSION.LOST': { guard: 'is stale', actions: 'count a stale event' },
      'PING.OK': { guard: 'is stale', actions: 'count a stale event' },
      'PING.FAILED': { guard: 'is stale', actions: 'count a stale event' },
      'PING.VOID': { guard: 'is stale', actions: 'count a stale event' },
      HYDRATED: { guard: 'is stale', actions: 'count a stale event' },
      'HEALTH.TICK': { guard: 'is stale', actions: 'count a stale event' },
    },
    states: {
      idle: {
        on: {
          'SESSION.OPEN': toConnecting(),
          'SESSION.REOPEN': [
            { guard: 'may stay idle' },
            { guard: 'stays disconnected', target: 'disconnected.stopped' },
            ...toConnecting(),
          ],
          'SESSION.DRAIN': { target: 'closed' },
        },
      },

      connecting: {
        initial: 'waiting',
        exit: 'give the permit back',
        states: {
          waiting: {
            invoke: { id: 'permit', src: 'permit', input: ({ context }) => ({ id: context.id }) },
            on: {
              PERMIT: { target: 'attempt' },
              'SESSION.DRAIN': { target: '#session.closed' },
            },
          },
          attempt: {
            initial: 'opening',
            entry: ['begin a generation', 'remember', 'open a link'],
            after: {
              'the connect timeout': {
                target: '#session.releasing',
                actions: ['note the connect timeout', retry('kill')],
              },
            },
            on: {
              ...recycled,
              'SESSION.DRAIN': { target: '#session.releasing', actions: letGo('kill', 'closed', 'draining') },
              'LINK.DOWN': {
                guard: 'is current',
                target: '#session.releasing',
                actions: ['note what failed', 'count an exit', 'let go, then do as the fault demands'],
              },
              'SESSION.LOST': {
                guard: 'is current',
                target: '#session.releasing',
                actions: [...lostSession, retry('lost')],
              },
            },
            states: {
              opening: {
                on: {
                  'LINK.OPENED': { guard: 'is current', target: 'verifying', actions: 'note the server' },
                },
              },
              verifying: {
                initial: 'asking',
                states: {
                  asking: {
                    entry: 'ask for a probe',
                    on: {
                      'PING.OK': [
                        {
                          guard: and(['is current', not('is hydrated')]),
                          target: '#session.connecting.attempt.hydrating',
                          actions: ['count an answer', 'tell of the check'],
                        },
                        ...toConnected('tell of the check'),
                        { guard: 'is current', target: 'pausing', actions: ['count an answer', 'tell of the check'] },
                      ],
                      'PING.FAILED': {
                        guard: 'is current',
                        target: '#session.releasing',
                        actions: ['note what failed', 'tell of the check', retry('kill')],
                      },
                      'PING.VOID': { guard: 'is current', target: 'pausing', actions: 'tell of the check' },
                    },
                  },
                  pausing: { after: { 'the proving pause': { target: 'asking' } } },
                },
              },
              hydrating: {
                entry: 'ask for the tools',
                on: {
                  HYDRATED: [
                    ...toConnected(),
                    { guard: 'is current', target: 'verifying.pausing', actions: 'count an answer' },
                  ],
                },
              },
            },
          },
        },
      },

      connected: {
        type: 'parallel',
        tags: 'holds a link',
        entry: ['note the connection', 'remember', 'arm the first tick', 'time the stability'],
        exit: ['stop timing the stability', 'stop timing the overload'],
        on: {
          ...recycled,
          'SESSION.DRAIN': [
            {
              guard: 'drains at once',
              target: 'releasing',
              actions: ['cancel the calls in flight', letGo('kill', 'closed', 'draining')],
            },
            {
              guard: 'has nothing in flight',
              target: 'releasing',
              actions: letGo('graceful', 'closed', 'draining'),
            },
            { target: 'draining', actions: 'note the drain' },
          ],
          'LINK.DOWN': {
            guard: 'is current',
            target: 'releasing',
            actions: ['note what failed', 'count an exit', 'let go, then do as the fault demands'],
          },
          'LINK.FAULT': { guard: 'is current', actions: 'ask for a probe' },
          STABLE: { actions: ['forget the failed attempts', 'remember'] },
          'SESSION.LOST': [
            {
              guard: and(['is current', 'has to wait after the loss']),
              target: 'releasing',
              actions: [...lostSession, retry('lost')],
            },
            { guard: 'is current', target: 'releasing', actions: [...lostSession, letGo('lost', 'waiting')] },
          ],
        },
        states: {
          health: {
            initial: 'healthy',
            on: {
              'HEALTH.TICK': [
                {
                  guard: and(['is current', 'came late by our own fault']),
                  actions: ['tell of the tick', 'arm a tick after the stall'],
                },
                {
                  guard: and(['is current', 'needs no attention', 'was answered lately']),
                  actions: ['tell of the tick', 'arm a tick for when the answer is old'],
                },
                { guard: 'is current', actions: ['tell of the tick', 'ask for a probe'] },
              ],
              'PING.OK': goodCheck,
              'PING.FAILED': {
                guard: 'is current',
                actions: ['count a check', 'note what failed', 'tell of the check', 'arm the next tick'],
              },
              'PING.VOID': { guard: 'is current', actions: ['tell of the check', 'arm a tick after the stall'] },
              'TICKS.LOST': { actions: 'arm a tick after the stall' },
              'CALLS.FAILING': noted('calls'),
              'CALLS.RECOVERED': { actions: { type: 'drop a reason', params: { reason: 'calls' } } },
              'LATENCY.HIGH': noted('latency'),
              'LATENCY.LOW': { actions: { type: 'drop a reason', params: { reason: 'latency' } } },
              OVERLOAD: noted('overload', 'stop timing the overload', 'time the overload'),
              'OVERLOAD.OVER': { actions: { type: 'drop a reason', params: { reason: 'overload' } } },
            },
            states: {
              healthy: {
                tags: 'admits calls',
                always: [
                  { guard: 'has failed too often', target: 'unhealthy' },
                  { guard: not('is sound'), target: 'degraded' },
                ],
              },
              degraded: {
                tags: 'admits calls',
                always: [
                  { guard: 'has failed too often', target: 'unhealthy' },
                  { guard: 'is sound', target: 'healthy', actions: 'forget the reason' },
                ],
              },
              unhealthy: {
                always: [
                  { guard: 'is hopeless', target: '#session.releasing', actions: retry('kill') },
                  { guard: 'is sound', target: 'healthy', actions: 'forget the reason' },
                  { guard: 'has recovered', target: 'degraded' },
                ],
              },
            },
          },
          circuit: {
            initial: 'normal',
            states: {
              resuming: {
                always: [
                  { guard: 'is on probation', target: 'probation' },
                  { guard: 'has still to be open', target: 'open', actions: 'explain the circuit' },
                  { target: 'halfOpen', actions: [...circuitTo('halfOpen'), 'explain the circuit'] },
                ],
              },
              normal: { on: circuitTripped },
              probation: {
                on: {
                  ...circuitTripped,
                  'CIRCUIT.PROVED': { target: 'normal', actions: circuitTo('normal') },
                  'CIRCUIT.RESET': { target: 'normal', actions: circuitTo('normal') },
                },
              },
              open: {
                tags: 'bars calls',
                entry: ['time the open circuit', 'arm the next tick'],
                exit: ['stop timing the circuit', 'stop recycling'],
                on: {
                  'CIRCUIT.DUE': { target: 'halfOpen', actions: circuitTo('halfOpen') },
                  'CIRCUIT.RESET': { target: 'normal', actions: circuitTo('normal') },
                  'INFLIGHT.ZERO': { guard: 'is about to recycle', actions: 'recycle now' },
                  'CIRCUIT.RECYCLE': {
                    guard: 'is current',
                    target: '#session.releasing',
                    actions: ['note the recycle', letGo('kill', 'waiting')],
                  },
                },
              },
              // It asks for its checks by itself: where nobody wants health checks there are no ticks, and still it has to end.
              halfOpen: {
                tags: 'bars calls',
                initial: 'asking',
                states: {
                  asking: { entry: 'ask for a probe' },
                  pausing: { after: { 'the time between two trials': { target: 'asking' } } },
                },
                on: {
                  'PING.OK': [
                    {
                      guard: and(['is current', 'has shown that it is well']),
                      target: 'probation',
                      actions: circuitTo('probation'),
                    },
                    { guard: 'is current', target: '.pausing', actions: 'count a good check for the circuit' },
                  ],
                  'PING.VOID': { guard: 'is current', target: '.pausing' },
                  'PING.FAILED': { guard: 'is current', target: 'open', actions: circuitTo('open') },
                  'CIRCUIT.RESET': { target: 'normal', actions: circuitTo('normal') },
                },
              },
            },
          },
        },
      },

      draining: {
        tags: 'holds a link',
        after: {
          'the drain time': {
            target: 'releasing',
            actions: ['cancel the calls in flight', letGo('graceful', 'closed')],
          },
        },
        on: {
          'INFLIGHT.ZERO': { target: 'releasing', actions: letGo('graceful', 'closed') },
          'SESSION.DRAIN': { target: 'releasing', actions: ['cancel the calls in flight', letGo('kill', 'closed')] },
          'LINK.DOWN': {
            guard: 'is current',
            target: 'releasing',
            actions: ['note what failed', letGo('kill', 'closed')],
          },
          'SESSION.LOST': {
            guard: 'is current',
            target: 'releasing',
            actions: ['note what failed', 'tell of the lost session', letGo('lost', 'closed')],
          },
        },
      },

      releasing: {
        entry: ['stop timing the recycle', 'remember', 'release the link'],
        exit: ['forget the process', "end the link's actor"],
        on: {
          'SESSION.OPEN': { actions: 'let go to retry at once' },
          'SESSION.RECYCLE': { actions: 'let go to retry at once' },
          'SESSION.DRAIN': [
            { guard: { type: 'is bound for', params: { next: 'closed' } }, actions: 'kill the link' },
            { actions: 'let go for good' },
          ],
          'LINK.RELEASED': [
            bound('closed', 'closed'),
            bound('waiting', 'connecting.attempt', 'needs no permit'),
            bound('waiting', 'connecting'),
            bound('backingOff', 'disconnected.backingOff'),
            bound('auth', 'disconnected.parked.auth'),
            bound('config', 'disconnected.parked.config'),
            bound('crashLoop', 'disconnected.parked.crashLoop'),
            bound('incompatible', 'disconnected.parked.incompatible'),
            bound('stopped', 'disconnected.stopped'),
          ],
        },
      },

      disconnected: {
        initial: 'backingOff',
        exit: ['stop timing the rest', 'forget the rest'],
        on: {
          'REST.OVER': toConnecting(),
          'SESSION.OPEN': [
            { guard: and(['was nudged a moment ago', 'would come no sooner']) },
            {
              guard: 'was nudged a moment ago',
              actions: ['put the nudge off', 'stop timing the rest', 'time the rest'],
            },
            ...toConnecting('note the nudge'),
          ],
          'SESSION.RECYCLE': [
            { guard: and(['was nudged a moment ago', 'would come no sooner']) },
            {
              guard: 'was nudged a moment ago',
              actions: ['put the nudge off', 'stop timing the rest', 'time the rest'],
            },
            ...toConnecting('note the nudge', 'note why'),
          ],
          'SESSION.DRAIN': { target: 'closed' },
        },
        states: {
          backingOff: {
            entry: ['schedule the next attempt', 'remember', 'time the rest', 'tell of the next attempt'],
          },
          parked: {
            initial: 'config',
            states: {
              auth: parked('auth'),
              config: parked('config'),
              crashLoop: parked('crashLoop'),
              incompatible: parked('incompatible'),
            },
          },
          stopped: {},
        },
      },

      closed: { type: 'final' },
    },
  });
}
