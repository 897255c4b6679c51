import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { WireMessage } from '../link/sdk/scripted-transport.ts';
import { ModernServer, PROTOCOL } from '../link/modern/modern-rig.ts';
import { fateOf } from './fates.ts';
import { fuzz, turns } from './fuzz.ts';

const question = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: { type: 'object' } } };

/** Values of the kinds that the revision has in these places, now and then; anything at all else. */
const odd = (...likely: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...likely) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  );

/** A result with the words of the revision in it, and some of them not as they should be. */
const result = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.record(
    {
      resultType: odd('complete', 'input_required', 'task', 'riddle'),
      ttlMs: odd(0, -1, 60_000, 1e308, 'soon'),
      cacheScope: odd('private', 'public'),
      inputRequests: odd({}, { who: question }, { who: { method: 'ping' } }, { who: null }, []),
      requestState: odd('s', 7),
      tools: odd(
        [],
        [{ name: 'x', inputSchema: { type: 'object', properties: { a: { type: 'string', 'x-mcp-header': 'A' } } } }],
        [{ name: 'x', inputSchema: { 'x-mcp-header': 'A' } }, null, { name: 7 }],
      ),
      taskId: odd('t1', 't2', 7),
      status: odd('working', 'input_required', 'completed', 'failed', 'cancelled', 'tired'),
      result: odd({ content: [] }, null),
      error: odd({ code: -1, message: 'no' }, 'no'),
      content: odd([], {}),
      _meta: odd({}, { [PROTOCOL.subscription]: 1 }),
    },
    { requiredKeys: [] },
  ),
);

const notification = fc.record({
  method: fc.constantFrom(
    'notifications/subscriptions/acknowledged',
    'notifications/tools/list_changed',
    'notifications/resources/updated',
    'notifications/tasks',
    'notifications/message',
  ),
  params: fc.record(
    {
      notifications: odd({}, { resourceSubscriptions: ['file:///a'] }, { resourceSubscriptions: 'all' }, null),
      uri: odd('file:///a', 7),
      _meta: fc.oneof(
        fc.jsonValue({ maxDepth: 1 }),
        fc.record({ [PROTOCOL.subscription]: fc.oneof(fc.integer(), fc.constant('latest')) }),
      ),
    },
    { requiredKeys: [] },
  ),
});

const requests: readonly (readonly [string, Record<string, unknown>])[] = [
  ['tools/list', {}],
  ['tools/call', { name: 'x', arguments: { a: 'é' } }],
  ['tools/call', { name: 'x', task: {} }],
  ['tasks/get', { taskId: 't1' }],
  ['tasks/result', { taskId: 't1' }],
  ['resources/subscribe', { uri: 'file:///a' }],
  ['resources/read', { uri: 'file:///a' }],
];

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ ask: fc.constantFrom(...requests) }) },
  { weight: 4, arbitrary: fc.record({ answer: result }) },
  { weight: 1, arbitrary: fc.record({ refuse: fc.constantFrom(-32_601, -32_602, -32_603, -32_022, 0) }) },
  { weight: 2, arbitrary: fc.record({ tell: notification }) },
);

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Plays one step; what is asked is noted by its end. */
async function play(server: ModernServer, each: Step, fates: Promise<string>[], answered: Set<unknown>): Promise<void> {
  const open = (): WireMessage | undefined =>
    server.transport.sent.find(({ id, method }) => method !== undefined && id !== undefined && !answered.has(id));
  if ('ask' in each) fates.push(fateOf(server.owner.call(...each.ask)));
  else if ('tell' in each) {
    const { id } = server.requests('subscriptions/listen').at(-1) ?? {};
    server.transport.receive(
      JSON.parse(JSON.stringify({ jsonrpc: '2.0', ...each.tell }).replaceAll('"latest"', String(id))),
    );
  } else {
    const { id } = open() ?? {};
    answered.add(id);
    const said = 'answer' in each ? { result: each.answer } : { error: { code: each.refuse, message: 'no' } };
    server.transport.receive({ jsonrpc: '2.0', id, ...said });
  }
  await turns(1);
}

it('whatever a server of the modern era answers and tells, its link stands, every call settles, and nothing is thrown', async () => {
  await fuzz('link', fc.array(step, { maxLength: 14 }), async (steps) => {
    const server = new ModernServer(
      { tools: { listChanged: true }, resources: { subscribe: true } },
      { elicit: async () => ({ action: 'cancel' }) },
    );
    await server.owner.opened();
    const fates: Promise<string>[] = [];
    // The handshake is answered.
    const answered = new Set<unknown>(server.requests('server/discover').map(({ id }) => id));
    for (const each of steps) await play(server, each, fates, answered);
    expect(server.owner.link.isOpen).toBe(true);
    await server.owner.link.close('graceful');
    for (const fate of await Promise.all(fates)) expect(['answered', 'failed']).toContain(fate);
    expect(server.owner.types.filter((type) => type === 'down' || type === 'opened')).toEqual(['opened', 'down']);
  });
});
