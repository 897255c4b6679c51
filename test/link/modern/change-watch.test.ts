import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { expectNothingLeft, failureOf, flush } from '../sdk/owner.ts';
import { ModernServer } from './modern-rig.ts';

const updated = 'notifications/resources/updated';
const a = 'file:///a';
const b = 'file:///b';

describe('listening to a server of the modern era', () => {
  expectNothingLeft();

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  async function opened(capabilities: Record<string, unknown>): Promise<ModernServer> {
    const server = new ModernServer(capabilities);
    await server.owner.opened();
    return server;
  }

  it('asks for the changes of the lists that the server offers to tell of, and for no others', async () => {
    const server = await opened({ tools: { listChanged: true }, prompts: {}, resources: { listChanged: true } });
    expect(server.last('subscriptions/listen').params?.['notifications']).toEqual({
      toolsListChanged: true,
      resourcesListChanged: true,
    });
    await server.owner.link.close('graceful');
  });

  it('asks for nothing when there is nothing to tell of', async () => {
    const server = await opened({ tools: {} });
    await flush();
    expect(server.requests('subscriptions/listen')).toEqual([]);
    await server.owner.link.close('graceful');
  });

  it('asks once for what is subscribed to at once, and grants each as the server agrees to it', async () => {
    const server = await opened({ resources: { subscribe: true } });
    const asked = [
      server.owner.call('resources/subscribe', { uri: a }),
      server.owner.call('resources/subscribe', { uri: b }),
    ];
    await flush();
    expect(server.requests('subscriptions/listen')).toHaveLength(1);
    expect(server.listenedTo).toEqual([a, b]);
    server.acknowledge([a]);
    const [first, second] = asked as [Promise<unknown>, Promise<unknown>];
    expect(await first).toEqual({});
    expect(await failureOf(second)).toMatchObject({ kind: 'refused', fault: { code: 'not-subscribed' } });
    await server.owner.link.close('graceful');
  });

  it('lets go of the stream before only when the next one stands, and tells an update on both of them once', async () => {
    const server = await opened({ resources: { subscribe: true } });
    const first = server.owner.call('resources/subscribe', { uri: a });
    await flush();
    const { id: old } = server.last('subscriptions/listen');
    server.acknowledge();
    await first;
    const second = server.owner.call('resources/subscribe', { uri: b });
    await flush();
    expect(server.requests('notifications/cancelled')).toEqual([]);
    server.tell(updated, { uri: a }, old);
    server.acknowledge();
    await second;
    server.tell(updated, { uri: a }, old);
    server.tell(updated, { uri: a }, server.last('subscriptions/listen').id);
    await flush();
    expect(server.requests('notifications/cancelled').map(({ params }) => params?.['requestId'])).toEqual([old]);
    expect(server.notices).toEqual([
      [updated, { uri: a }],
      [updated, { uri: a }],
    ]);
    await server.owner.link.close('graceful');
  });

  it('asks again when the stream ends, after 1 s, 2 s, 4 s … 30 s, and then tells of all that may have changed', async () => {
    const server = await opened({ tools: { listChanged: true }, resources: { subscribe: true } });
    const granted = server.owner.call('resources/subscribe', { uri: a });
    await flush();
    server.acknowledge();
    await granted;
    const waits: number[] = [];
    for (const longest of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
      const before = server.requests('subscriptions/listen').length;
      server.transport.answer(server.last('subscriptions/listen').id);
      await flush();
      await vi.advanceTimersByTimeAsync(longest - 1);
      expect(server.requests('subscriptions/listen')).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(server.requests('subscriptions/listen')).toHaveLength(before + 1);
      waits.push(longest);
    }
    expect(server.notices).toEqual([]);
    server.acknowledge();
    await flush();
    expect(server.notices).toEqual([
      ['notifications/tools/list_changed', {}],
      [updated, { uri: a }],
    ]);
    await server.owner.link.close('graceful');
  });

  it('does not ask a server again that refuses to be listened to, and says so', async () => {
    const server = await opened({ tools: { listChanged: true } });
    const { id } = server.last('subscriptions/listen');
    server.transport.receive({ jsonrpc: '2.0', id, error: { code: -32_601, message: 'Method not found' } });
    await flush();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(server.requests('subscriptions/listen')).toHaveLength(1);
    expect(server.owner.events.filter(({ type }) => type === 'fault')).toMatchObject([
      { fault: { kind: 'protocol', code: 'listen-refused' } },
    ]);
    await server.owner.link.close('graceful');
  });

  it('forgets a subscription that is given up before it is granted', async () => {
    const server = await opened({ tools: { listChanged: true }, resources: { subscribe: true } });
    const pending = server.owner.ask('resources/subscribe', { uri: a });
    await flush();
    pending.cancel();
    expect(await failureOf(pending.answer)).toMatchObject({ kind: 'aborted' });
    const granted = server.owner.call('resources/subscribe', { uri: b });
    await flush();
    expect(server.listenedTo).toEqual([b]);
    server.acknowledge();
    await granted;
    await server.owner.link.close('graceful');
  });

  it('stops with the link', async () => {
    const server = await opened({ tools: { listChanged: true } });
    server.acknowledge();
    server.transport.answer(server.last('subscriptions/listen').id);
    await flush();
    await server.owner.link.close('graceful');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.requests('subscriptions/listen')).toHaveLength(1);
  });
});
