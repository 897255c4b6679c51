import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startLeakCheck, type LeakCheck } from '../../src/testing/index.ts';
import { eventually } from './eventually.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** One end of a connection and all that it heard. */
class End {
  readonly heard: string[] = [];
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.heard.push(text));
    socket.on('end', () => this.heard.push('FIN'));
    socket.on('error', (error: NodeJS.ErrnoException) => this.heard.push(String(error.code)));
  }

  get text(): string {
    return this.heard.join('');
  }

  say(text: string): void {
    this.#socket.write(text);
  }

  hangUp(): void {
    this.#socket.destroy();
  }
}

async function expectHeard(end: End, text: string): Promise<void> {
  await expect.poll(() => end.text, { timeout: 60_000 }).toBe(text);
}

describe('the TCP proxy', () => {
  let leaks: LeakCheck;
  let server: Server;
  let proxy: TcpProxy;
  let accepted: End[];
  let clients: End[];

  beforeEach(async () => {
    leaks = startLeakCheck();
    accepted = [];
    clients = [];
    server = createServer({ allowHalfOpen: true }, (socket) => accepted.push(new End(socket)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    proxy = await TcpProxy.open(typeof address === 'object' && address !== null ? address.port : 0);
  });

  afterEach(async () => {
    proxy.close();
    server.close();
    for (const end of [...clients, ...accepted]) end.hangUp();
    await leaks.verify();
  });

  function dial(): End {
    const client = new End(connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true }));
    clients.push(client);
    return client;
  }

  async function acceptedEnd(index: number): Promise<End> {
    await eventually(() => accepted.length > index);
    const end = accepted[index];
    if (end === undefined) throw new Error('it was there');
    return end;
  }

  /** A connection that is known to work in both directions. */
  async function connection(): Promise<{ client: End; served: End }> {
    const client = dial();
    client.say('hello ');
    const served = await acceptedEnd(clients.indexOf(client));
    await expectHeard(served, 'hello ');
    served.say('welcome ');
    await expectHeard(client, 'welcome ');
    return { client, served };
  }

  it('hands on what either side says and counts it', async () => {
    await connection();
    expect(proxy.bytes).toEqual({ toServer: 6, toClient: 8 });
    expect([proxy.accepted, proxy.openConnections.length]).toEqual([1, 1]);
  });

  it('hands on the end of either side as an end', async () => {
    const { client, served } = await connection();
    client.hangUp();
    await expectHeard(served, 'hello FIN');
  });

  it('blackholed takes new connections, lets nothing through, and hands everything on once it is mended', async () => {
    const { client, served } = await connection();
    proxy.pass('neither');
    const late = dial();
    client.say('lost?');
    served.say('silence?');
    late.say('anyone?');
    await eventually(() => accepted.length === 2);
    // Whatever was to come through would have come before an answer to this.
    const before = proxy.bytes;
    proxy.pass('both');
    await expectHeard(served, 'hello lost?');
    await expectHeard(client, 'welcome silence?');
    await eventually(() => accepted[1]?.text === 'anyone?');
    expect(before).toEqual({ toServer: 6, toClient: 8 });
  });

  it('blackholed one way only lets the other way through', async () => {
    const { client, served } = await connection();
    proxy.pass('to-server');
    served.say('swallowed');
    client.say('heard');
    await expectHeard(served, 'hello heard');
    expect(client.text).toBe('welcome ');
    proxy.pass('to-client');
    await expectHeard(client, 'welcome swallowed');
  });

  it('refuses new connections, keeps those that exist, and listens again on the same port', async () => {
    const { client, served } = await connection();
    const { port } = proxy;
    proxy.refuse();
    await expectHeard(dial(), 'ECONNREFUSED');
    client.say('still here');
    await expectHeard(served, 'hello still here');
    await proxy.accept();
    expect(proxy.port).toBe(port);
    dial().say('back');
    await eventually(() => accepted[1]?.text === 'back');
  });

  it.each([
    ['rst', 'ECONNRESET'],
    ['fin', 'FIN'],
  ] as const)('breaks connections off with %s, those that are chosen', async (how, heard) => {
    const first = await connection();
    const second = await connection();
    proxy.break(how, proxy.openConnections.slice(0, 1));
    await expectHeard(first.client, `welcome ${heard}`);
    second.client.say('not I');
    await expectHeard(second.served, 'hello not I');
  });

  it('leaves a connection half-open: the server has lost it, the client does not know, new ones are as ever', async () => {
    const { client, served } = await connection();
    proxy.halfOpen();
    await expectHeard(served, 'hello ECONNRESET');
    client.say('into the void');
    const other = await connection();
    expect([client.text, other.client.text]).toEqual(['welcome ', 'welcome ']);
    expect(proxy.openConnections).toHaveLength(2);
  });

  it.each(['rst', 'fin'] as const)('ends a reply with %s after so many bytes, over as many pieces', async (how) => {
    const { client, served } = await connection();
    proxy.cutAfter(6, how);
    served.say('1234');
    await expectHeard(client, 'welcome 1234');
    served.say('5678');
    await eventually(() => client.text.length > 'welcome 123456'.length);
    expect(client.text).toMatch(/^welcome 123456(FIN|ECONNRESET)$/);
    // Once: the next connection is whole.
    await connection();
  });

  it('delays what it hands on and keeps its order', async () => {
    const { client, served } = await connection();
    proxy.delayMs = 30;
    served.say('slow ');
    await eventually(() => proxy.openConnections.length === 1);
    proxy.delayMs = 31;
    served.say('slower');
    await expectHeard(client, 'welcome slow slower');
  });
});
