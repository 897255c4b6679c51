import { once } from 'node:events';
import { createServer as createPlain, type Server } from 'node:http';
import { createServer as createSecure } from 'node:https';
import { expect, describe, test } from 'vitest';
import { http } from '../../src/index.ts';
import { unchecked, vainAttempts } from '../e2e/remote-stage.ts';
import { failureOf, firstConnection, unhurried } from '../e2e/stage.ts';
import { StockClient } from '../support/stock-http-client.ts';
import { FaultStage } from './fault-stage.ts';
import { selfSigned } from './self-signed.ts';

/** Ports of this machine on which something else than the expected listens, or nothing. */
class Ports {
  /** Requests that came through to either of the two servers. */
  requests = 0;
  readonly #servers: Server[] = [];

  static async open(): Promise<Ports> {
    const ports = new Ports();
    const count = (): void => void (ports.requests += 1);
    for (const server of [createPlain(count), createSecure(selfSigned, count)]) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      ports.#servers.push(server);
    }
    return ports;
  }

  get plain(): number {
    return this.#portOf(0);
  }

  get secure(): number {
    return this.#portOf(1);
  }

  async kill(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  }

  #portOf(index: number): number {
    const address = this.#servers[index]?.address();
    if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
    return address.port;
  }
}

const unreachable = [
  { what: 'a port on which nobody listens', urlOf: () => 'http://127.0.0.1:2/mcp', code: /^ECONNREFUSED$/ },
  {
    what: 'a name that does not exist',
    urlOf: () => 'http://no-such-host.invalid/mcp',
    code: /^(ENOTFOUND|EAI_AGAIN)$/,
  },
  {
    what: 'a certificate that nobody has signed',
    urlOf: ({ secure }: Ports) => `https://127.0.0.1:${secure}/mcp`,
    code: /^DEPTH_ZERO_SELF_SIGNED_CERT$/,
  },
  {
    what: 'a port that knows no TLS',
    urlOf: ({ plain }: Ports) => `https://127.0.0.1:${plain}/mcp`,
    code: /^(ERR_SSL_\w+|EPROTO|ECONNRESET)$/,
  },
];

describe('a server at', unhurried, () => {
  test.each(unreachable)('$what: addServer rejects, naming the cause, and keeps nothing', async ({ urlOf, code }) => {
    const stage = await FaultStage.withNeighbour();
    const ports = stage.owns(await Ports.open());
    const added = await failureOf(stage.add('away', http({ url: urlOf(ports) }), unchecked));
    expect(added).toMatchObject({ code: 'CONNECT', outcome: 'not-sent', generation: 1, retryable: true });
    expect(added['faultCode']).toMatch(code);
    expect(stage.story('away').slice(-2)).toEqual(['1 closed', '1 serverRemoved']);
    expect(stage.manager.listSessions().map(({ id }) => id)).toEqual(['neighbour']);
    expect(ports.requests).toBe(0);
    await stage.close();
  });

  test.each(unreachable)(
    '$what: is tried again and again when it is kept, and a call to it is not sent',
    async (each) => {
      const stage = await FaultStage.withNeighbour();
      const ports = stage.owns(await Ports.open());
      const url = each.urlOf(ports);
      const session = await stage.add('away', http({ url }), { ...unchecked, waitForReady: false });
      await stage.retries('away', 2);
      const call = await failureOf(session.callTool('echo', { text: 'anyone?' }, { timeoutMs: 300 }));
      expect(call['outcome']).toBe('not-sent');
      await stage.neighbourAnswers();
      expect(stage.story('away').slice(0, 11)).toEqual(
        [...firstConnection.slice(0, 2), ...vainAttempts(1, 2, 1)].slice(0, 11),
      );
      for (const line of stage.linkStory('away')) {
        const [, kind, why] = /^\d+ down (\S+) (.+)$/.exec(line) ?? [];
        expect([kind, why]).toEqual(['unreachable', expect.stringMatching(each.code)]);
      }
      expect(ports.requests).toBe(0);
      await stage.close();
    },
  );

  test('a TLS port that is spoken to without TLS has broken the connection: addServer rejects', async () => {
    const stage = await FaultStage.withNeighbour();
    const ports = stage.owns(await Ports.open());
    const url = `http://127.0.0.1:${ports.secure}/mcp`;
    expect(await failureOf(stage.add('tls', http({ url }), unchecked))).toMatchObject({
      code: 'CONNECT',
      outcome: 'not-sent',
      faultCode: expect.stringMatching(/^(ECONNRESET|UND_ERR_SOCKET|HPE_\w+)$/) as string,
    });
    expect(ports.requests).toBe(0);
    await stage.close();
  });

  test.each(unreachable)(
    '$what is no more than "fetch failed" to the stock client, the cause hidden below',
    async (each) => {
      const stage = await FaultStage.withNeighbour();
      const ports = stage.owns(await Ports.open());
      const stock = new StockClient(each.urlOf(ports));
      await expect(stock.connect()).rejects.toMatchObject({
        name: 'TypeError',
        message: 'fetch failed',
        cause: { code: expect.stringMatching(each.code) as string },
      });
      await stock.client.close();
      await stage.close();
    },
  );
});
