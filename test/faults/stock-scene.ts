// oxlint-disable-next-line import/no-unassigned-import -- its leak check comes after what is ended here: hooks run in reverse order
import '../e2e/stage.ts';
import type { StreamableHTTPClientTransportOptions } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach } from 'vitest';
import { HttpFixture, type HttpSettings } from '../support/http-fixture.ts';
import { ProcessTroubles } from '../support/process-troubles.ts';
import { StockClient } from '../support/stock-http-client.ts';

const endings: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** The stock client with a faulty server, and nobody else. */
export interface StockScene {
  readonly server: HttpFixture;
  readonly stock: StockClient;
  /** What the process complained of meanwhile. */
  readonly troubles: readonly string[];
}

/** Connects the stock client to a server with these settings. All of it ends with the test. */
export async function openStock(
  settings: HttpSettings,
  options: StreamableHTTPClientTransportOptions = {},
): Promise<StockScene> {
  const troubles = new ProcessTroubles();
  const server = new HttpFixture(settings);
  endings.push(async () => {
    troubles.stop();
    await server.kill();
  });
  await server.start();
  const stock = new StockClient(server.url, options);
  endings.unshift(() => stock.client.close());
  await stock.connect();
  return { server, stock, troubles: troubles.seen };
}
