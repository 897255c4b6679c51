import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { webSocket } from '../../src/index.ts';
import { expectSoon } from '../support/expect-soon.ts';
import { serveMcp } from '../support/web-socket-mcp.ts';
import { stopWebSocketServers, WebSocketServer } from '../support/web-socket-server.ts';
import type { WebSocketServerOptions } from '../support/web-socket-server.ts';
import { failureOf, firstConnection, recovery, Stage, textOf, unhurried, untiring } from './stage.ts';

const speaking: WebSocketServerOptions = { onConnection: (connection) => void serveMcp(connection) };
const children = new Set<ChildProcess>();

afterEach(async () => {
  for (const child of children) await kill(child);
  await stopWebSocketServers();
});

/** A server in a process of its own, on this port, or on any for 0. */
async function startProcess(port: number): Promise<{ child: ChildProcess; port: number; pid: number }> {
  const script = join(import.meta.dirname, '..', 'fixtures', 'web-socket-server.mjs');
  const child = spawn(process.execPath, [script, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  for await (const line of createInterface(child.stdout)) {
    const [, listening] = /^listening (\d+)$/.exec(line) ?? [];
    if (listening !== undefined && child.pid !== undefined) return { child, port: Number(listening), pid: child.pid };
  }
  throw new Error('the server did not start');
}

async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('a server behind a WebSocket', unhurried, () => {
  test('connects, is called, and is told goodbye', async () => {
    const stage = new Stage();
    const server = await WebSocketServer.start(speaking);
    const session = await stage.add('socket', webSocket({ url: server.url, headers: { Authorization: 'Bearer x' } }));
    expect(await textOf(session.callTool('which'))).toBe('server 1.0.0');
    expect(session.server).toMatchObject({ era: 'legacy', info: { name: 'behind-web-socket' }, pid: null });
    expect(session.catalog.tools.map(({ tool }) => tool.name)).toEqual(['which', 'hang', 'huge']);
    expect(server.requests).toEqual([expect.objectContaining({ authorization: 'Bearer x' })]);
    expect(stage.story('socket')).toEqual(firstConnection);
    await stage.close();
    expect(server.connections.map(({ goodbye }) => goodbye)).toEqual([1000]);
    await expectSoon(() => server.openSockets).toBe(0);
  });

  test('whose process is killed is down at once, and connected anew when it is back, again and again', async () => {
    const stage = new Stage();
    let server = await startProcess(0);
    const target = webSocket({ url: `ws://127.0.0.1:${server.port}/` });
    const session = await stage.add('socket', target, untiring);
    for (let round = 1; round <= 3; round += 1) {
      expect(await textOf(session.callTool('which'))).toBe(String(server.pid));
      const { generation } = session.info;
      const inFlight = failureOf(session.callTool('hang'));
      await expectSoon(() => session.info.activeRequests).toBe(1);
      await kill(server.child);
      expect(await inFlight).toMatchObject({ code: 'OUTCOME_UNKNOWN', outcome: 'unknown', tool: 'hang', generation });
      await stage.reaches('socket', 'disconnected.backingOff', generation);
      expect(await failureOf(session.callTool('which'))).toMatchObject({ code: 'NOT_READY', outcome: 'not-sent' });
      await stage.reaches('socket', 'releasing', generation + 1);
      expect(session.info.lastError).toMatchObject({ code: 'ECONNREFUSED' });
      server = await startProcess(server.port);
      await session.ready();
    }
    expect(await textOf(session.callTool('which'))).toBe(String(server.pid));
    await stage.close();
  });

  test('that never answers the opening: the connect timeout ends it, and its socket is closed', async () => {
    const stage = new Stage();
    const server = await WebSocketServer.start({ refuse: () => true });
    const added = stage.add('mute', webSocket({ url: server.url }), { connectTimeoutMs: 500 });
    expect(await failureOf(added)).toMatchObject({
      code: 'CONNECT',
      faultCode: 'connect-timeout',
      outcome: 'not-sent',
    });
    expect(server.requests).toHaveLength(1);
    await expectSoon(() => server.openSockets).toBe(0);
    await stage.close();
  });

  test('that answers with more than may come: the call is of unknown outcome, and a fresh connection works', async () => {
    const stage = new Stage();
    const server = await WebSocketServer.start(speaking);
    const session = await stage.add('socket', webSocket({ url: server.url }), untiring);
    expect(await failureOf(session.callTool('huge'))).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      tool: 'huge',
      generation: 1,
    });
    await stage.reaches('socket', 'connected.healthy', 2);
    expect(session.info.lastError).toMatchObject({ code: 'message-too-large' });
    expect(await textOf(session.callTool('which'))).toBe('server 1.0.0');
    expect(stage.story('socket')).toEqual([...firstConnection, ...recovery(1, 1)]);
    await stage.close();
  });

  test('that closes in the middle of a call: the call is of unknown outcome, and is not repeated', async () => {
    const stage = new Stage();
    const server = await WebSocketServer.start(speaking);
    const session = await stage.add('socket', webSocket({ url: server.url }), untiring);
    const inFlight = failureOf(session.callTool('hang'));
    const first = await server.connection();
    await expectSoon(() => first.received.some((text) => text.includes('hang'))).toBe(true);
    first.close(1012, 'restarting');
    expect(await inFlight).toMatchObject({ code: 'OUTCOME_UNKNOWN', tool: 'hang', generation: 1 });
    await stage.reaches('socket', 'connected.healthy', 2);
    expect(session.info.lastError).toMatchObject({ code: 'close:1012' });
    const second = await server.connection(1);
    expect(second.received.filter((text) => text.includes('tools/call'))).toEqual([]);
    await stage.close();
  });

  test('that wants other credentials is parked, and connects with the next ones when it is told to', async () => {
    const stage = new Stage();
    let token = 'old';
    const server = await WebSocketServer.start({
      ...speaking,
      refuse: (request, socket) => {
        if (request.headers.authorization === 'Bearer new') return false;
        socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
        return true;
      },
    });
    const target = webSocket({ url: server.url, headers: () => ({ Authorization: `Bearer ${token}` }) });
    const session = await stage.add('socket', target, { waitForReady: false });
    await stage.reaches('socket', 'disconnected.parked.auth', 1);
    expect(session.info.lastError).toMatchObject({ code: 'http:401' });
    token = 'new';
    session.reconnect();
    await stage.reaches('socket', 'connected.healthy', 2);
    expect(server.requests.map(({ authorization }) => authorization)).toEqual(['Bearer old', 'Bearer new']);
    await stage.close();
  });

  test('that falls silent without closing is found by the checks, and connected anew', async () => {
    const stage = new Stage();
    const server = await WebSocketServer.start(speaking);
    const healthCheck = { intervalMs: 100, timeoutMs: 200 };
    const session = await stage.add('socket', webSocket({ url: server.url }), { ...untiring, healthCheck });
    (await server.connection()).stopReading();
    await stage.reaches('socket', 'connected.unhealthy', 1);
    await stage.reaches('socket', 'connected.healthy', 2);
    expect(await textOf(session.callTool('which'))).toBe('server 1.0.0');
    await stage.close();
  });
});
