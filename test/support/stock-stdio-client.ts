import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const fixtures = join(import.meta.dirname, '..', 'fixtures');

/** For what gets no answer however long one waits. */
export const soon = { timeout: 300 };
/** Long enough for any machine. */
export const inGoodTime = { timeout: 60_000 };
export const timedOut = { code: -32_001 };

/** The SDK's own client over its own transport: what holdfast is measured against. */
export class StockStdioClient {
  readonly client = new Client({ name: 'stock', version: '1' });
  readonly transport: StdioClientTransport;
  closes = 0;

  constructor(command: string, args: readonly string[], stderr: 'ignore' | 'pipe' = 'ignore') {
    this.transport = new StdioClientTransport({ command, args: [...args], stderr });
    this.client.onclose = () => {
      this.closes += 1;
    };
  }

  /** For the fault server, with its faults as on its command line. */
  static server(...faults: string[]): StockStdioClient {
    return new StockStdioClient(process.execPath, [join(fixtures, 'stdio-server.mjs'), `fault=${faults.join()}`]);
  }

  /** For the server that breaks the protocol. */
  static ruleBreaker(faults: string, log: string): StockStdioClient {
    const script = join(fixtures, 'stdio-faults-protocol.mjs');
    return new StockStdioClient(process.execPath, [script, `fault=${faults}`, `log=${log}`]);
  }

  async connect(limit = inGoodTime): Promise<this> {
    await this.client.connect(this.transport, limit);
    return this;
  }

  call(
    name: string,
    args: Record<string, unknown> = {},
    options: Parameters<Client['callTool']>[2] = inGoodTime,
  ): Promise<unknown> {
    return this.client.callTool({ name, arguments: args }, undefined, options);
  }

  /** Process ids as the fault server itself knows them. */
  async pids(): Promise<{ pid: number; grandchild: number | null }> {
    const { content } = (await this.call('pid')) as { content: [{ text: string }] };
    return JSON.parse(content[0].text) as { pid: number; grandchild: number | null };
  }

  /** Ends it without asking, and reads to their end what streams are left. */
  async kill(): Promise<void> {
    this.transport.stderr?.on('data', () => undefined);
    if (this.transport.pid !== null) process.kill(this.transport.pid, 'SIGKILL');
    await this.client.close();
  }
}

/** Follows a promise from the side: `pending` until it settles. */
export function fateOf(promise: Promise<unknown>): { state: 'pending' | 'settled' } {
  const fate: { state: 'pending' | 'settled' } = { state: 'pending' };
  const settle = (): void => {
    fate.state = 'settled';
  };
  promise.then(settle, settle);
  return fate;
}
