import { Client as SdkClient } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, describe, expect, it } from 'vitest';
import { StreamableHttpTransport } from '../../../src/link/http/streamable-http-transport.ts';
import type { Progress } from '../../../src/link/link.ts';
import { eventually } from '../../support/eventually.ts';
import { failureOf, Owner } from '../sdk/owner.ts';
import { expectNothingLeft, targetOf } from './rig.ts';
import { SdkServer } from './sdk-server.ts';

const servers: SdkServer[] = [];

async function serve(mode: 'json' | 'sse'): Promise<SdkServer> {
  const server = await SdkServer.start(mode);
  servers.push(server);
  return server;
}

function stopServers(): void {
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });
}

describe.each(['json', 'sse'] as const)('a real server of the SDK in %s mode', (mode) => {
  expectNothingLeft();
  stopServers();

  it('is opened, probed, called and closed through a link, and forgets the session', async () => {
    const server = await serve(mode);
    const owner = await new Owner(targetOf(server.url)).opened();
    await owner.probe();
    expect(await owner.call('tools/call', { name: 'greet', arguments: {} })).toEqual({
      content: [{ type: 'text', text: 'hello' }],
    });
    await owner.link.close('graceful');
    expect(server.sessions.size).toBe(0);
    expect(owner.types).toEqual(['opened', 'down']);
  });

  it('is heard on the standby stream', async () => {
    const server = await serve(mode);
    const owner = await new Owner(targetOf(server.url)).opened();
    await eventually(() => server.verbs.includes('GET'), { what: 'the standby stream is asked for' });
    await owner.call('tools/list');
    await server.session.mcp.server.sendLoggingMessage({ level: 'info', data: 'noted' });
    expect(await owner.first('notice')).toEqual({
      type: 'notice',
      method: 'notifications/message',
      params: { level: 'info', data: 'noted' },
    });
    await owner.link.close('graceful');
  });

  it('that forgets the session is seen at the next probe, and the link goes down as session-lost', async () => {
    const server = await serve(mode);
    const owner = await new Owner(targetOf(server.url)).opened();
    server.forget();
    expect(await failureOf(owner.probe())).toMatchObject({
      kind: 'refused',
      sent: true,
      fault: { kind: 'session-lost', code: 'http:404' },
    });
    expect((await owner.first('down')).fault).toMatchObject({ kind: 'session-lost', code: 'http:404' });
    await owner.link.close('lost');
  });

  it('is spoken to by the bare client of the SDK over the same transport', async () => {
    const server = await serve(mode);
    const client = new SdkClient({ name: 'bare', version: '1.0.0' });
    const transport = new StreamableHttpTransport({ target: targetOf(server.url) });
    await client.connect(transport as Transport);
    expect(await client.callTool({ name: 'greet' })).toEqual({ content: [{ type: 'text', text: 'hello' }] });
    const abort = new AbortController();
    const waiting = client.callTool({ name: 'wait' }, undefined, { signal: abort.signal });
    abort.abort('no more');
    await expect(waiting).rejects.toThrow('no more');
    expect(await client.ping()).toEqual({});
    await client.close();
    expect(server.sessions.size).toBe(0);
  });
});

describe('a real server of the SDK that streams its replies', () => {
  expectNothingLeft();
  stopServers();

  it('reports progress in order, before the result', async () => {
    const server = await serve('sse');
    const owner = await new Owner(targetOf(server.url)).opened();
    const heard: Progress[] = [];
    const { answer } = owner.ask(
      'tools/call',
      { name: 'progress', arguments: {} },
      { onProgress: (progress) => heard.push(progress) },
    );
    const result = await answer;
    expect(result).toEqual({ content: [{ type: 'text', text: 'done' }] });
    expect(heard).toEqual([1, 2, 3].map((progress) => ({ progress, total: 3 })));
    await owner.link.close('graceful');
  });

  it('asks a question in the middle of each of 80 calls, and every call gets its answer', async () => {
    const server = await serve('sse');
    const owner = await new Owner(targetOf(server.url), {
      handlers: { elicit: () => Promise.resolve({ action: 'accept', content: { name: 'Ada' } }) },
    }).opened();
    const calls = Array.from({ length: 80 }, () => owner.call('tools/call', { name: 'ask', arguments: {} }));
    const answers = await Promise.all(calls);
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify({ content: [{ type: 'text', text: 'accept {"name":"Ada"}' }] })]),
    );
    await owner.link.close('graceful');
  });

  it('drops its reply before the answer, which is then taken up again where it broke off', async () => {
    const server = await serve('sse');
    const owner = await new Owner(targetOf(server.url)).opened();
    expect(await owner.call('tools/call', { name: 'dropped', arguments: {} })).toEqual({
      content: [{ type: 'text', text: 'resumed' }],
    });
    await owner.link.close('graceful');
    expect(server.verbs.filter((verb) => verb === 'GET')).toHaveLength(2);
  });

  it('elicits through the bare client of the SDK', async () => {
    const server = await serve('sse');
    const client = new SdkClient({ name: 'bare', version: '1.0.0' }, { capabilities: { elicitation: {} } });
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' as const }));
    await client.connect(new StreamableHttpTransport({ target: targetOf(server.url) }) as Transport);
    expect(await client.callTool({ name: 'ask' })).toEqual({ content: [{ type: 'text', text: 'decline undefined' }] });
    await client.close();
  });
});
