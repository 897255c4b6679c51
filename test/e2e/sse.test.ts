import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { http } from '../../src/index.ts';
import { expectSoon } from '../support/expect-soon.ts';
import { failureOf, firstConnection, recovery, Stage, textOf, unhurried, untiring } from './stage.ts';

const everything = join(
  import.meta.dirname,
  '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js',
);
const children = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of children) await kill(child);
});

/** A port that was free a moment ago: this server cannot tell which one it was given. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The official server, over the older transport, in a process of its own. */
async function startEverything(port: number): Promise<ChildProcess> {
  const env = { ...process.env, PORT: String(port) };
  const child = spawn(process.execPath, [everything, 'sse'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  children.add(child);
  const lines = createInterface(child.stderr);
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.includes('running on port')) resolve();
    });
    lines.on('close', () => reject(new Error('the server did not start')));
  });
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Passes TCP connections on, and can cut the first that it was given: that of the stream. */
class StreamCutter {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const upstream = connect(port, '127.0.0.1');
      for (const socket of [client, upstream]) socket.on('error', () => undefined);
      client.pipe(upstream).pipe(client);
      this.#sockets.push(client, upstream);
    });
  }

  static async start(port: number): Promise<StreamCutter> {
    const cutter = new StreamCutter(port);
    await new Promise<void>((resolve) => cutter.#server.listen(0, '127.0.0.1', resolve));
    return cutter;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    for (const socket of this.#sockets.slice(0, 2)) socket.destroy();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('the official example server over HTTP+SSE', unhurried, () => {
  test.each(['sse', 'auto'] as const)('is held in mode %s: connected, called, and let go', async (mode) => {
    const stage = new Stage();
    const port = await freePort();
    const child = await startEverything(port);
    const session = await stage.add('everything', http({ url: `http://127.0.0.1:${port}/sse`, mode }));
    expect(await textOf(session.callTool('echo', { message: 'hello' }))).toBe('Echo: hello');
    expect(session.server).toMatchObject({ era: 'legacy', pid: null });
    expect(session.catalog.tools.map(({ tool }) => tool.name)).toContain('echo');
    expect(stage.story('everything').filter((line) => !line.endsWith('catalogChanged'))).toEqual(
      firstConnection.filter((line) => !line.endsWith('catalogChanged')),
    );
    await stage.close();
    await kill(child);
  });

  test('that is killed is down at once, its calls are of unknown outcome, and it is connected anew when it is back', async () => {
    const stage = new Stage();
    const port = await freePort();
    let child = await startEverything(port);
    const target = http({ url: `http://127.0.0.1:${port}/sse`, mode: 'sse' });
    const session = await stage.add('everything', target, untiring);
    for (let round = 1; round <= 2; round += 1) {
      const { generation } = session.info;
      const tool = 'trigger-long-running-operation';
      let hasBegun = false;
      const onProgress = (): void => {
        hasBegun = true;
      };
      const inFlight = failureOf(session.callTool(tool, { duration: 600, steps: 1_200 }, { onProgress }));
      await expectSoon(() => hasBegun).toBe(true);
      await kill(child);
      expect(await inFlight).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', tool, generation });
      await stage.reaches('everything', 'disconnected.backingOff', generation);
      await stage.reaches('everything', 'releasing', generation + 1);
      expect(session.info.lastError).toMatchObject({ code: 'ECONNREFUSED' });
      child = await startEverything(port);
      await session.ready({ timeoutMs: 60_000 });
      expect(await textOf(session.callTool('echo', { message: `round ${round}` }))).toBe(`Echo: round ${round}`);
      expect(session.info.generation).toBeGreaterThan(generation + 1);
    }
    await stage.close();
    await kill(child);
  });

  test('that loses its stream alone is connected anew, with a fresh session', async () => {
    const stage = new Stage();
    const port = await freePort();
    const child = await startEverything(port);
    const proxy = await StreamCutter.start(port);
    const session = await stage.add('everything', http({ url: `${proxy.origin}/sse`, mode: 'sse' }), untiring);
    proxy.cut();
    await stage.reaches('everything', 'connected.healthy', 2);
    expect(stage.story('everything').filter((line) => !line.endsWith('catalogChanged'))).toEqual(
      [...firstConnection, ...recovery(1, 1)].filter((line) => !line.endsWith('catalogChanged')),
    );
    expect(await textOf(session.callTool('echo', { message: 'again' }))).toBe('Echo: again');
    await stage.close();
    await proxy.stop();
    await kill(child);
  });
});
