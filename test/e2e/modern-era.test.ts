import { describe, expect, it } from 'vitest';
import type { ServerRequestContext, Session, SessionEvent } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { EraStage } from './era-stage.ts';
import { failureOf, pidOf, textOf, unhurried, untiring } from './stage.ts';

const note = 'file:///note';

type Updated = Extract<SessionEvent, { type: 'resourceUpdated' }>;

const updates = (stage: EraStage): (readonly [string, boolean])[] =>
  stage.events.filter((event): event is Updated => event.type === 'resourceUpdated').map(({ uri, gap }) => [uri, gap]);

/** The log messages of a server, as they come. */
function logOf(session: Session): unknown[] {
  const log: unknown[] = [];
  session.notifications$.subscribe(({ method, params }) => {
    if (method === 'notifications/message') log.push(params);
  });
  return log;
}

describe.each(['stdio', 'HTTP'] as const)('a server of the modern era over %s', (wire) => {
  const targetOf = async (stage: EraStage) =>
    wire === 'stdio' ? stage.overStdio('modern') : (await stage.overHttp('modern')).target;

  it('asks for input in its answer, and gets it from the handlers', unhurried, async () => {
    const stage = new EraStage();
    const asked: [unknown, ServerRequestContext][] = [];
    const session = await stage.add('a', await targetOf(stage), {
      handlers: {
        elicit: async ({ message }, context) => {
          asked.push([message, context]);
          return { action: 'accept', content: { name: 'Ada' } };
        },
      },
    });
    expect(await textOf(session.callTool('ask'))).toBe('{"action":"accept","content":{"name":"Ada"}}');
    expect(asked).toMatchObject([['Who?', { session: 'a', signal: { aborted: false } }]]);
    await stage.close();
  });

  it('that needs input is refused where no handler is given, and says why', unhurried, async () => {
    const stage = new EraStage();
    const session = await stage.add('a', await targetOf(stage));
    const failure = await failureOf(session.callTool('ask'));
    // The SDK's server goes by what the client says that it can be asked.
    expect(failure).toMatchObject({ code: 'RPC', serverId: 'a', rpcCode: -32_021, retryable: false });
    await stage.close();
  });

  it('logs at the level that was set, on every connection from then on', unhurried, async () => {
    const stage = new EraStage();
    const session = await stage.add('a', await targetOf(stage), untiring);
    const log = logOf(session);
    await session.callTool('log');
    await session.setLogLevel('error');
    await session.callTool('log');
    expect(log).toEqual([]);
    await session.setLogLevel('info');
    await session.callTool('log');
    await eventually(() => log.length === 1, { what: 'the message' });
    expect(log).toEqual([{ level: 'info', data: 'as it happens' }]);
    await stage.close();
  });

  it('tells of a new tool and of a changed resource without being asked again, once each', unhurried, async () => {
    const stage = new EraStage();
    const session = await stage.add('a', await targetOf(stage));
    await session.subscribeResource(note);
    await session.callTool('touch', { uri: note });
    await session.callTool('touch', { uri: 'file:///other' });
    await session.callTool('grow');
    await stage.until(
      'the new tool',
      (event): event is typeof event => event.type === 'catalogChanged' && event.added.includes('grown'),
    );
    expect(updates(stage)).toEqual([[note, false]]);
    await session.unsubscribeResource(note);
    await session.callTool('touch', { uri: note });
    expect(updates(stage)).toEqual([[note, false]]);
    await stage.close();
  });
});

it('a log level outlives the process that it was set in', unhurried, async () => {
  const stage = new EraStage();
  const session = await stage.add('a', stage.overStdio('modern'), untiring);
  const log = logOf(session);
  await session.setLogLevel('info');
  process.kill(pidOf(session), 'SIGKILL');
  await stage.reaches('a', 'connected.healthy', 2);
  await session.callTool('log');
  await eventually(() => log.length === 1, { what: 'the message' });
  expect(log).toEqual([{ level: 'info', data: 'as it happens' }]);
  await stage.close();
});

it(
  'over HTTP a restarted server is listened to again, and what may have changed meanwhile is told',
  unhurried,
  async () => {
    const stage = new EraStage();
    const { target, port, kill } = await stage.overHttp('modern');
    const session = await stage.add('a', target, untiring);
    await session.subscribeResource(note);
    await kill();
    await stage.overHttp('modern', port);
    await stage.until('the gap', (event): event is Updated => event.type === 'resourceUpdated' && event.gap);
    await session.callTool('touch', { uri: note });
    await stage.until('the update', (event): event is Updated => event.type === 'resourceUpdated' && !event.gap);
    expect(updates(stage)).toEqual([
      [note, true],
      [note, false],
    ]);
    await stage.close();
  },
);
