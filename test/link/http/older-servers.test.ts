import { describe, expect, it } from 'vitest';
import type { HttpTransport } from '../../../src/link/http/http-transport.ts';
import { HttpWire } from '../../../src/link/wire/http-wire.ts';
import { LinkError } from '../../../src/link/fault.ts';
import { failureOf } from '../sdk/owner.ts';
import { answerStatus } from './lean-server.ts';
import { expectNothingLeft, serve, targetOf } from './rig.ts';

const INITIALIZE = { jsonrpc: '2.0', id: 0, method: 'initialize', params: {} } as const;

/** Stands for the transport for older servers. */
class FakeSse implements HttpTransport {
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: HttpTransport['onmessage'];
  readonly sessionId = undefined;
  readonly fault = undefined;
  readonly isEnding = false;
  readonly done: string[] = [];
  readonly #fails: boolean;

  constructor(fails = false) {
    this.#fails = fails;
  }

  start(): Promise<void> {
    this.done.push('start');
    return Promise.resolve();
  }

  send(): Promise<void> {
    this.done.push('send');
    const fault = { kind: 'protocol', code: 'fake', message: 'It does not speak that either.' } as const;
    return this.#fails ? Promise.reject(new LinkError({ kind: 'refused', sent: true, fault })) : Promise.resolve();
  }

  setProtocolVersion(): void {}

  end(mode: string): Promise<void> {
    this.done.push(`end ${mode}`);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return this.end('graceful');
  }
}

async function open(url: string, mode: 'auto' | 'streamable-http' | 'sse', sse: FakeSse) {
  const heard: unknown[] = [];
  const wire = await HttpWire.create(targetOf(url, { mode }), () => Promise.resolve(sse));
  await wire.start({
    onMessage: (message) => heard.push(message),
    onError: (error) => heard.push(error),
    onClosed: () => heard.push('closed'),
  });
  return { wire, heard, initialize: () => wire.send(INITIALIZE, { call: undefined, sdkOptions: undefined }) };
}

describe('a server that may be an older one', () => {
  expectNothingLeft();

  it.each([400, 404, 405])(
    'is spoken to as one when it answers initialize with %i, and the newer transport is let go unheard',
    async (status) => {
      const server = await serve({ post: { initialize: answerStatus(status) } });
      const sse = new FakeSse();
      const { wire, heard, initialize } = await open(server.url, 'auto', sse);
      await initialize();
      sse.onmessage?.({ jsonrpc: '2.0', method: 'from-sse' });
      await wire.end('graceful');
      expect(sse.done).toEqual(['start', 'send', 'end graceful']);
      expect(heard).toEqual([{ jsonrpc: '2.0', method: 'from-sse' }]);
    },
  );

  it.each([401, 403, 415, 500, 503])('is not when it answers with %i', async (status) => {
    const server = await serve({ post: { initialize: answerStatus(status) } });
    const sse = new FakeSse();
    const { wire, initialize } = await open(server.url, 'auto', sse);
    expect(await failureOf(initialize())).toMatchObject({ fault: { code: `http:${status}` } });
    expect(sse.done).toEqual([]);
    await wire.end('kill');
  });

  it('is not when a JSON-RPC error says what is wrong', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 0, error: { code: -32022, message: 'newer only' } });
    const server = await serve({
      post: { initialize: answerStatus(400, { 'content-type': 'application/json' }, body) },
    });
    const sse = new FakeSse();
    const { wire, heard, initialize } = await open(server.url, 'auto', sse);
    await initialize();
    expect([sse.done, heard]).toEqual([[], [JSON.parse(body)]]);
    await wire.end('kill');
  });

  it('is not when the target says that it is none, and at once when it says that it is one', async () => {
    const server = await serve({ post: { initialize: answerStatus(404) } });
    const [never, always] = [new FakeSse(), new FakeSse()];
    const newer = await open(server.url, 'streamable-http', never);
    expect((await failureOf(newer.initialize())).kind).toBe('refused');
    const older = await open(server.url, 'sse', always);
    await older.initialize();
    expect([never.done, always.done, server.methods]).toEqual([[], ['start', 'send'], ['initialize']]);
    await newer.wire.end('kill');
    await older.wire.end('kill');
  });

  it('that turns out to be neither fails with what the newer transport met', async () => {
    const server = await serve({ post: { initialize: answerStatus(405) } });
    const sse = new FakeSse(true);
    const { wire, initialize } = await open(server.url, 'auto', sse);
    expect(await failureOf(initialize())).toMatchObject({ kind: 'refused', fault: { code: 'http:405' } });
    expect(sse.done).toEqual(['start', 'send']);
    await wire.end('kill');
    expect(sse.done).toEqual(['start', 'send', 'end kill']);
  });
});
