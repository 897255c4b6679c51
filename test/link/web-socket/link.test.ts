import { describe, expect, it } from 'vitest';
import type { WebSocketTarget } from '../../../src/link/target.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { serveMcp } from '../../support/web-socket-mcp.ts';
import { WebSocketServer } from '../../support/web-socket-server.ts';
import type { WebSocketServerOptions } from '../../support/web-socket-server.ts';
import { Owner } from '../sdk/owner.ts';
import { expectNoSockets, expectNothingLeft, failureOf } from './opened.ts';

expectNothingLeft();

const speaking: WebSocketServerOptions = { onConnection: (connection) => void serveMcp(connection) };
const targetOf = ({ url }: WebSocketServer): WebSocketTarget => ({ kind: 'webSocket', url, headers: {} });

describe('a link over a WebSocket', () => {
  it('opens, calls, hears, answers what the server asks, and closes on both sides', async () => {
    const server = await WebSocketServer.start();
    const roots = () => Promise.resolve([{ uri: 'file:///here' }]);
    const owner = new Owner(targetOf(server), { handlers: { roots } });
    const mcp = await serveMcp(await server.connection());
    await owner.opened();
    expect(owner.link.isOpen).toBe(true);
    expect(await owner.call('tools/call', { name: 'which', arguments: {} })).toEqual({
      content: [{ type: 'text', text: 'server 1.0.0' }],
    });
    await owner.probe();
    expect(await mcp.server.listRoots()).toEqual({ roots: [{ uri: 'file:///here' }] });
    await mcp.server.sendLoggingMessage({ level: 'info', data: 'noted' });
    await owner.first('notice');
    await owner.link.close('graceful');
    expect(server.connections[0]?.goodbye).toBe(1000);
    expect(owner.events).toEqual([
      {
        type: 'opened',
        facts: {
          era: 'legacy',
          protocolVersion: '2025-11-25',
          info: { name: 'behind-web-socket', version: '1.0.0' },
          capabilities: { tools: { listChanged: true }, logging: {} },
          instructions: null,
          pid: null,
        },
      },
      { type: 'notice', method: 'notifications/message', params: { level: 'info', data: 'noted' } },
      { type: 'down', fault: { kind: 'closed', code: 'closed', message: 'The link was closed by its owner.' } },
    ]);
    await expectNoSockets(server);
  });

  it('goes down with the fault of its WebSocket, and what was in flight rejects as possibly sent', async () => {
    const server = await WebSocketServer.start(speaking);
    const owner = await new Owner(targetOf(server)).opened();
    const inFlight = failureOf(owner.call('tools/call', { name: 'hang', arguments: {} }));
    await expectSoon(() => server.connections[0]?.received.some((text) => text.includes('hang'))).toBe(true);
    server.connections[0]?.close(1012, 'restarting');
    const fault = {
      kind: 'transport',
      code: 'close:1012',
      message: 'The server closed the WebSocket with code 1012: "restarting".',
    };
    expect(await inFlight).toEqual({ kind: 'link', sent: true, fault });
    expect(owner.events.at(-1)).toEqual({ type: 'down', fault });
    expect(await failureOf(owner.call('tools/list'))).toEqual({ kind: 'link', sent: false, fault });
    expect(owner.link.isOpen).toBe(false);
    await owner.link.close('graceful');
    await expectNoSockets(server);
  });

  it('that does not open is down with the reason, once', async () => {
    const server = await WebSocketServer.start({
      refuse: (_request, socket) => {
        socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
        return true;
      },
    });
    const owner = new Owner(targetOf(server));
    expect(await owner.first('down')).toMatchObject({ fault: { kind: 'auth', code: 'http:401' } });
    expect(owner.types).toEqual(['down']);
    await owner.link.close('kill');
  });

  it('that is closed while it opens is down as closed, and leaves nothing', async () => {
    const server = await WebSocketServer.start({ refuse: () => true });
    const owner = new Owner(targetOf(server));
    await expectSoon(() => server.requests.length).toBe(1);
    await owner.link.close('kill');
    expect(owner.events).toEqual([
      { type: 'down', fault: { kind: 'closed', code: 'closed', message: 'The link was closed by its owner.' } },
    ]);
    await expectNoSockets(server);
  });

  it('that is lost during the handshake is down with the reason', async () => {
    const server = await WebSocketServer.start({ onConnection: (connection) => connection.close(1008, 'not you') });
    const owner = new Owner(targetOf(server));
    expect(await owner.first('down')).toMatchObject({ fault: { kind: 'transport', code: 'close:1008' } });
    await owner.link.close('kill');
    await expectNoSockets(server);
  });

  it('refuses a call, unsent, when too much waits for a server that does not read, and the link stands', async () => {
    const server = await WebSocketServer.start(speaking);
    const owner = await new Owner(targetOf(server)).opened();
    server.connections[0]?.stopReading();
    const call = () => owner.call('tools/call', { name: 'which', arguments: { text: 'x'.repeat(1024 * 1024) } });
    const calls = Array.from({ length: 40 }, call);
    expect(await failureOf(Promise.race(calls))).toMatchObject({
      kind: 'link',
      sent: false,
      fault: { kind: 'overload', code: 'send-buffer-full' },
    });
    server.connections[0]?.resumeReading();
    const settled = await Promise.allSettled(calls);
    const answered = settled.filter(({ status }) => status === 'fulfilled').length;
    expect(answered).toBeGreaterThan(0);
    const heard = server.connections[0]?.received.filter((text) => text.includes('"tools/call"'));
    expect(heard).toHaveLength(answered);
    expect(owner.types).toEqual(['opened']);
    await owner.link.close('graceful');
  });
});
