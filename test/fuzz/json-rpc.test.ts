import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LinkError } from '../../src/link/fault.ts';
import type { LinkEvent, Pending } from '../../src/link/link.ts';
import { Owner } from '../link/sdk/owner.ts';
import { INITIALIZE_RESULT, ScriptedTransport } from '../link/sdk/scripted-transport.ts';
import { fuzz, turns } from './fuzz.ts';
import { flat } from './json-text.ts';
import { firstAnswer } from './rpc-reading.ts';
import { FIRST_ID, INITIALIZE_ID, messageText } from './rpc-text.ts';

const handlers = {
  elicit: () => Promise.resolve({ action: 'cancel' }),
  sample: () => Promise.reject(new Error('no model')),
  roots: () => Promise.resolve([{ uri: 'file:///' }]),
};

/** A transport of the caller's own may hand over anything at all, not only what JSON can say. */
const hostile: readonly unknown[] = [
  undefined,
  5n,
  Symbol('message'),
  () => undefined,
  new Proxy(
    {},
    {
      get: () => {
        throw new Error('get');
      },
    },
  ),
  new Proxy(
    {},
    {
      has: () => {
        throw new Error('has');
      },
    },
  ),
  {
    jsonrpc: '2.0',
    get id() {
      throw new Error('id');
    },
    result: {},
  },
  Object.freeze({ jsonrpc: '2.0', method: 'ping', id: 1 }),
  { jsonrpc: '2.0', method: 'roots/list', id: 5n },
];

/** Messages as text, or as the place of one in {@link hostile}: values this deep cannot be printed. */
function messages(ours: readonly number[]): fc.Arbitrary<(string | number)[]> {
  return fc.array(
    fc.oneof(
      { weight: 20, arbitrary: messageText(ours) },
      { weight: 1, arbitrary: fc.nat({ max: hostile.length - 1 }) },
    ),
    { maxLength: 10 },
  );
}

function parsed(written: readonly (string | number)[]): unknown[] {
  return written.map((each): unknown => (typeof each === 'number' ? hostile[each] : JSON.parse(each)));
}

/** How an answer settles, kept as text; every settlement is noted. */
function follow(pending: Pending<Record<string, unknown>>): string[] {
  const settled: string[] = [];
  pending.answer.then(
    (result) => settled.push(flat(result)),
    (error: unknown) => {
      if (!(error instanceof LinkError)) settled.push(`not ours: ${String(error)}`);
      else if (error.failure.kind === 'rpc') settled.push(`rpc ${error.failure.rpcCode}`);
      else settled.push(error.failure.kind === 'link' ? `link ${error.failure.fault.code}` : error.failure.kind);
    },
  );
  return settled;
}

/** What is wrong with the events of a link that has ended: one that is malformed, or a `down` that did not come once and last. */
function wrongIn(events: readonly LinkEvent[]): unknown[] {
  const isRight = (event: LinkEvent, index: number): boolean => {
    switch (event.type) {
      case 'down':
        return index === events.length - 1 && typeof event.fault.code === 'string';
      case 'fault':
        // The handler for sampling is one that throws.
        return ['bad-message', 'handler-threw'].includes(event.fault.code);
      case 'notice':
        return typeof event.method === 'string';
      case 'asking':
        return event.people >= 0;
      default:
        return event.type === 'opened' && events.findIndex(({ type }) => type === 'opened') === index;
    }
  };
  const wrong: unknown[] = events.filter((event, index) => !isRight(event, index));
  return events.at(-1)?.type === 'down' ? wrong : [...wrong, 'not down'];
}

it('an open link lives through whatever a server says, and each request gets the first answer with its id, once', async () => {
  const ids = [FIRST_ID, FIRST_ID + 1, FIRST_ID + 2];
  await fuzz('link', messages(ids), async (written) => {
    const received = parsed(written);
    const transport = new ScriptedTransport();
    const owner = await new Owner({ kind: 'custom', factory: () => transport }, { handlers }).opened();
    const progress: unknown[] = [];
    const requests = ids.map(() =>
      owner.ask('tools/call', { name: 'x' }, { onProgress: (update) => progress.push(update.progress) }),
    );
    const settled = requests.map(follow);
    for (const message of received) transport.receive(message);
    await turns(2);

    const readable = received.filter((message) => !hostile.includes(message));
    const expected = ids.map((id) => firstAnswer(id, readable));
    expect(settled).toEqual(expected.map((each) => (each === null ? [] : [each])));
    expect(progress.filter((each) => typeof each !== 'number')).toEqual([]);

    // What comes after is understood, and what is settled stays as it is.
    for (const id of ids) transport.answer(id, { late: true });
    const probe = owner.probe();
    const ping = await transport.sentMethod('ping');
    transport.answer(ping.id);
    await probe;
    for (const request of requests) request.cancel();
    await turns(1);
    expect(settled).toEqual(expected.map((each) => [each ?? flat({ late: true })]));
    expect(owner.link.isOpen).toBe(true);

    await owner.link.close('kill');
    expect(owner.events.at(-1)).toMatchObject({ type: 'down', fault: { kind: 'closed' } });
    expect(wrongIn(owner.events)).toEqual([]);
  });
});

it('a link that is opening opens or goes down once it is answered well, whatever was said before', async () => {
  await fuzz('link', messages([INITIALIZE_ID]), async (written) => {
    const received = parsed(written);
    const transport = new ScriptedTransport({
      send: ({ method, id }) => {
        if (method !== 'initialize') return;
        for (const message of received) transport.receive(message);
        transport.answer(id, INITIALIZE_RESULT);
      },
    });
    const owner = new Owner({ kind: 'custom', factory: () => transport }, { handlers });
    await turns(3);
    expect(owner.types.some((type) => type === 'opened' || type === 'down')).toBe(true);
    const settled = follow(owner.ask('tools/list'));
    const isUp = owner.link.isOpen;
    if (isUp) transport.answer((await transport.sentMethod('tools/list')).id, { tools: [] });
    await turns(1);
    expect(settled).toEqual([isUp ? flat({ tools: [] }) : `link ${codeOf(owner.events.at(-1))}`]);
    await owner.link.close('kill');
    expect(wrongIn(owner.events)).toEqual([]);
    expect(codeOf(owner.events.at(-1)) === 'closed').toBe(isUp);
  });
});

function codeOf(event: LinkEvent | undefined): string {
  return event?.type === 'down' ? event.fault.code : '';
}
