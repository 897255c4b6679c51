import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { failureOf, flush } from '../sdk/owner.ts';
import { openEvents } from './lean-server.ts';
import { Client, client, expectNothingLeft, link, serve } from './rig.ts';

const CLOSED = { kind: 'closed', code: 'closed', message: 'The connection to the server was closed by us.' };

describe('the end', () => {
  expectNothingLeft();
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(['graceful', 'kill'] as const)(
    '%s: settles what is under way, closes every connection, then tells once',
    async (mode) => {
      const server = await serve({ post: { 'tools/call': () => undefined }, get: (asked) => openEvents(asked) });
      const rig = await client(server);
      const order: string[] = [];
      rig.transport.onclose = () => {
        order.push(`closed, ${rig.transport.fault?.kind}`);
      };
      const call = failureOf(rig.request('tools/call')).then((failure) => {
        order.push('call failed');
        return failure;
      });
      await server.posted('tools/call');
      await eventually(() => server.gets.length === 1, { what: 'the standby stream is there' });
      await Promise.all([rig.transport.end(mode), rig.transport.end(mode), rig.transport.close()]);
      expect(await call).toEqual({ kind: 'link', sent: true, fault: CLOSED });
      expect(order).toEqual(['call failed', 'closed, closed']);
      await eventually(() => server.sockets.size === 0, { what: 'the server sees every connection closed' });
      expect(server.received.filter(({ verb }) => verb === 'DELETE')).toHaveLength(mode === 'graceful' ? 1 : 0);
    },
  );

  it('waits two seconds for a goodbye that is not answered, and not at all once it is to be a kill', async () => {
    const server = await serve({ delete: () => undefined });
    const [patient, hastened] = [await client(server), await client(server)];
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const endings = [patient.transport.end('graceful'), hastened.transport.end('graceful')];
    await eventually(() => server.received.filter(({ verb }) => verb === 'DELETE').length === 2, {
      what: 'it is said',
    });
    await hastened.transport.end('kill');
    await endings[1];
    vi.advanceTimersByTime(1999);
    await flush();
    expect([patient.closed, hastened.closed]).toEqual([0, 1]);
    vi.advanceTimersByTime(1);
    await endings[0];
    expect([patient.closed, hastened.closed]).toEqual([1, 1]);
  });

  it('is not put off by headers that never come', async () => {
    const server = await serve();
    let hangs = false;
    const rig = await client(server, { headers: () => (hangs ? new Promise<never>(() => undefined) : {}) });
    hangs = true;
    const call = failureOf(rig.request('tools/call'));
    await rig.transport.end('graceful');
    expect(await call).toEqual({ kind: 'link', sent: false, fault: CLOSED });
    expect(rig.closed).toBe(1);
  });

  it('comes at once while a connection still comes about, and closes that too', async () => {
    // It takes the connection and never says a word of TLS.
    let isClosed = false;
    const server = createServer((socket) => {
      socket
        .resume()
        .on('error', () => undefined)
        .on('close', () => (isClosed = true));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connected = once(server, 'connection');
    const rig = new Client(`https://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await rig.transport.start();
    const call = failureOf(rig.request('initialize'));
    await connected;
    await rig.transport.end('kill');
    expect(await call).toEqual({ kind: 'link', sent: false, fault: CLOSED });
    await eventually(() => isClosed, { what: 'the connection is closed' });
    await new Promise((resolve) => server.close(resolve));
  });

  it('ends a wait for a stream that is to be opened again', async () => {
    const server = await serve({
      post: { 'tools/call': (asked) => openEvents(asked).end('retry: 30000\nid: 1\ndata:\n\n') },
      get: (asked) => openEvents(asked).end('retry: 30000\n\n'),
    });
    const rig = await client(server);
    const call = failureOf(rig.request('tools/call'));
    await server.posted('tools/call');
    await eventually(() => server.gets.length === 1, { what: 'the standby stream is there' });
    await rig.request('tools/list');
    await rig.transport.end('graceful');
    expect(await call).toEqual({ kind: 'link', sent: true, fault: CLOSED });
  });

  it('through a link delivers down once, last, whatever comes while it is let go', async () => {
    const server = await serve({ post: { 'tools/call': () => undefined } });
    const owner = await link(server).opened();
    const call = failureOf(owner.call('tools/call'));
    await server.posted('tools/call');
    await owner.link.close('graceful');
    expect(await call).toMatchObject({ kind: 'link', sent: true, fault: { kind: 'closed' } });
    expect(owner.types).toEqual(['opened', 'down']);
    expect(server.methods).not.toContain('notifications/cancelled');
  });

  it('before it has opened leaves nothing', async () => {
    const server = await serve({ post: { initialize: () => undefined } });
    const owner = link(server);
    await server.posted('initialize');
    await owner.link.close('kill');
    expect(owner.types).toEqual(['down']);
    expect(server.methods).toEqual(['initialize']);
  });
});
