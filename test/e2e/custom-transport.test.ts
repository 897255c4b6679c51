import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { describe, expect, test } from 'vitest';
import { custom, once } from '../../src/index.ts';
import {
  errorOf,
  failureOf,
  firstConnection,
  ofAnotherVersion,
  recovery,
  secondConnection,
  Stage,
  unhurried,
  untiring,
} from './stage.ts';

/** Custom transports are exempt from the connect limiter: there is no `connecting.waiting`. */
const unlimited = (story: readonly string[]): string[] => story.filter((line) => !line.endsWith('connecting.waiting'));

/** A server of the SDK's own, new for each transport, with one tool that tells which of them it is. */
class ServerFarm {
  readonly servers: McpServer[] = [];
  readonly transports: InMemoryTransport[] = [];

  async connect(): Promise<InMemoryTransport> {
    const number = this.servers.length + 1;
    const server = new McpServer({ name: 'farmed', version: `${number}.0.0` });
    server.registerTool('which', { description: 'Tells which server this is' }, () => ({
      content: [{ type: 'text', text: `server ${number}` }],
    }));
    server.registerTool('hang', { description: 'Never answers' }, () => new Promise<never>(() => {}));
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    this.servers.push(server);
    this.transports.push(ours);
    await server.connect(theirs);
    return ours;
  }

  get latest(): McpServer {
    const server = this.servers.at(-1);
    if (server === undefined) throw new Error('no server was made yet');
    return server;
  }
}

const saying = (text: string) => ({ content: [{ type: 'text', text }] });

describe('a custom transport', unhurried, () => {
  test('connects to a server of the SDK', async () => {
    const stage = new Stage();
    const farm = new ServerFarm();
    const session = await stage.add(
      'farm',
      custom(() => farm.connect()),
    );
    expect(await session.callTool('which')).toEqual(saying('server 1'));
    expect(session.server).toMatchObject({ era: 'legacy', info: { name: 'farmed', version: '1.0.0' }, pid: null });
    expect(session.catalog.tools.map(({ tool }) => tool.name)).toEqual(['which', 'hang']);
    expect(stage.story('farm')).toEqual(unlimited(firstConnection));
    await stage.close();
    expect(farm.latest.isConnected()).toBe(false);
  });

  test('that the server closes is followed by a fresh one from the factory, each time', async () => {
    const stage = new Stage();
    const farm = new ServerFarm();
    const session = await stage.add(
      'farm',
      custom(() => farm.connect()),
      untiring,
    );
    for (let generation = 2; generation <= 5; generation += 1) {
      const inFlight = failureOf(session.callTool('hang'));
      await farm.latest.close();
      expect(await inFlight).toMatchObject({ code: 'OUTCOME_UNKNOWN', tool: 'hang', generation: generation - 1 });
      await stage.reaches('farm', 'connected.healthy', generation);
      expect(await session.callTool('which')).toEqual(saying(`server ${generation}`));
    }
    expect(new Set(farm.transports).size).toBe(5);
    expect(farm.servers.map((server) => server.isConnected())).toEqual([false, false, false, false, true]);
    expect(stage.story('farm')).toEqual(
      unlimited([
        ...firstConnection,
        ...ofAnotherVersion([...recovery(1, 1), ...recovery(2, 2), ...recovery(3, 3), ...recovery(4, 4)]),
      ]),
    );
    expect(session.info.lastError).toMatchObject({ code: 'closed-by-peer' });
    await stage.close();
  });

  test('of which five die at once loses none of the five', async () => {
    const stage = new Stage();
    const farms = Array.from({ length: 5 }, () => new ServerFarm());
    const sessions = await Promise.all(
      farms.map((farm, n) =>
        stage.add(
          `farm ${n}`,
          custom(() => farm.connect()),
          untiring,
        ),
      ),
    );
    await Promise.all(farms.map((farm) => farm.latest.close()));
    await Promise.all(sessions.map(({ id }) => stage.reaches(id, 'connected.healthy', 2)));
    for (const { id } of sessions)
      expect(stage.story(id)).toEqual(unlimited([...firstConnection, ...ofAnotherVersion(recovery(1, 1))]));
    await stage.close();
  });

  test('whose factory throws is asked again until it works', async () => {
    const stage = new Stage();
    const farm = new ServerFarm();
    let asked = 0;
    const target = custom(() => {
      asked += 1;
      if (asked === 1) throw new Error('not yet');
      if (asked === 2) return Promise.reject(new Error('nearly'));
      return farm.connect();
    });
    const session = await stage.add('late', target, { ...untiring, waitForReady: false });
    await stage.reaches('late', 'connected.healthy', 3);
    expect(stage.story('late')).toEqual([
      '0 serverAdded',
      '1 connecting.opening',
      '1 releasing',
      '1 attempt 1 scheduled',
      '1 disconnected.backingOff',
      '2 connecting.opening',
      '2 releasing',
      '2 attempt 2 scheduled',
      '2 disconnected.backingOff',
      '3 connecting.opening',
      '3 connecting.verifying',
      '3 check ok',
      '3 connecting.hydrating',
      '3 catalogChanged',
      '3 connected.healthy',
    ]);
    expect(await session.callTool('which')).toEqual(saying('server 1'));
    await stage.close();
  });

  test('whose factory throws fails addServer with what it threw', async () => {
    const stage = new Stage();
    const target = custom(() => {
      throw new Error('no transport today');
    });
    const error = await errorOf(stage.add('never', target));
    expect(error).toMatchObject({ code: 'CONNECT', generation: 1 });
    expect(error.message).toContain('no transport today');
    expect(stage.manager.sessionCount).toBe(0);
  });

  test('is connected anew by hand', async () => {
    const stage = new Stage();
    const farm = new ServerFarm();
    const session = await stage.add(
      'farm',
      custom(() => farm.connect()),
    );
    session.reconnect('for a test');
    await stage.reaches('farm', 'connected.healthy', 2);
    expect(stage.story('farm')).toEqual([
      ...unlimited(firstConnection),
      '1 releasing',
      ...ofAnotherVersion(secondConnection(2)),
    ]);
    expect(farm.servers.map((server) => server.isConnected())).toEqual([false, true]);
    await stage.close();
  });
});

describe('a transport that is given once', unhurried, () => {
  test('is never connected again: its loss stops the session', async () => {
    const stage = new Stage();
    const farm = new ServerFarm();
    const session = await stage.add('single', once(await farm.connect()), untiring);
    expect(await session.callTool('which')).toEqual(saying('server 1'));
    await farm.latest.close();
    await stage.reaches('single', 'disconnected.stopped');
    expect(stage.story('single')).toEqual([...unlimited(firstConnection), '1 releasing', '1 disconnected.stopped']);
    expect(session.info).toMatchObject({ generation: 1, nextAttemptAt: null, lastError: { code: 'closed-by-peer' } });
    expect(await failureOf(session.callTool('which'))).toMatchObject({ code: 'NOT_READY', outcome: 'not-sent' });
    expect(() => session.reconnect()).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
    await stage.close();
  });

  test('cannot be given twice', async () => {
    const stage = new Stage();
    const farm = new ServerFarm();
    const transport = await farm.connect();
    await stage.add('first', once(transport));
    expect(await failureOf(stage.add('second', once(transport)))).toMatchObject({
      code: 'CONNECT',
      faultCode: 'transport-reused',
    });
    expect(await stage.manager.session('first').callTool('which')).toEqual(saying('server 1'));
    await stage.close();
  });
});
