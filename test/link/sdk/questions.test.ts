import { describe, expect, it } from 'vitest';
import type { ServerRequestContext, ServerRequestHandlers } from '../../../src/link/link.ts';
import { expectNothingLeft, flush, Owner } from './owner.ts';
import { ScriptedTransport } from './scripted-transport.ts';

/** An open link to a server that asks. */
class Asking {
  readonly transport = new ScriptedTransport();
  readonly owner: Owner;

  constructor(handlers: ServerRequestHandlers) {
    this.owner = new Owner({ kind: 'once', transport: this.transport }, { handlers });
  }

  /** What the client said in `initialize` that it can be asked. */
  get capabilities(): unknown {
    return this.transport.sent[0]?.params?.['capabilities'];
  }

  /** What the client answers. */
  async ask(method: string, params?: Record<string, unknown>): Promise<unknown> {
    const id = `q${this.transport.sent.length}`;
    this.transport.receive({ jsonrpc: '2.0', id, method, ...(params && { params }) });
    await flush();
    const { result, error } = this.transport.sent.find((message) => message.id === id) ?? {};
    return result ?? error;
  }
}

const form = { message: 'Who?', requestedSchema: { type: 'object', properties: {} } };
const page = { mode: 'url', message: 'Sign in', url: 'https://a.example/in', elicitationId: 'e1' };
const sampling = { messages: [{ role: 'user', content: { type: 'text', text: 'speak' } }], maxTokens: 5 };

const decline = async (): Promise<Record<string, unknown>> => ({ action: 'decline' });

async function opened(handlers: ServerRequestHandlers): Promise<Asking> {
  const asking = new Asking(handlers);
  await asking.owner.opened();
  return asking;
}

describe('what a server asks of its client', () => {
  expectNothingLeft();

  const declared: readonly [string, ServerRequestHandlers, Record<string, unknown>][] = [
    ['nothing', {}, {}],
    ['forms', { elicit: decline }, { elicitation: { form: {} } }],
    ['pages', { elicitUrl: decline }, { elicitation: { url: {} } }],
    ['forms and pages', { elicit: decline, elicitUrl: decline }, { elicitation: { form: {}, url: {} } }],
  ];

  it.each(declared)('is declared: %s', async (_what, handlers, capabilities) => {
    const asking = await opened(handlers);
    expect(asking.capabilities).toEqual(capabilities);
    await asking.owner.link.close('graceful');
  });

  it('by form and by URL goes to the handler of each, with the server and a signal', async () => {
    const asked: (readonly [string, unknown, ServerRequestContext])[] = [];
    const asking = await opened({
      elicit: async ({ message }, context) => {
        asked.push(['form', message, context]);
        return { action: 'accept', content: { name: 'Ada' } };
      },
      elicitUrl: async ({ url }, context) => {
        asked.push(['url', url, context]);
        return { action: 'accept' };
      },
    });
    expect(await asking.ask('elicitation/create', form)).toEqual({ action: 'accept', content: { name: 'Ada' } });
    expect(await asking.ask('elicitation/create', page)).toEqual({ action: 'accept' });
    const context = { session: 'tested', signal: expect.any(AbortSignal) as AbortSignal };
    expect(asked).toEqual([
      ['form', 'Who?', context],
      ['url', 'https://a.example/in', context],
    ]);
    await asking.owner.link.close('graceful');
  });

  const refused: readonly [string, ServerRequestHandlers, string, Record<string, unknown> | undefined, number][] = [
    ['a page where only forms are shown', { elicit: decline }, 'elicitation/create', page, -32_602],
    ['a form where only pages are shown', { elicitUrl: decline }, 'elicitation/create', form, -32_602],
    ['in a mode that nobody knows', { elicit: decline }, 'elicitation/create', { ...form, mode: 'song' }, -32_602],
    ['a form without a schema', { elicit: decline }, 'elicitation/create', { message: 'Who?' }, -32_602],
    ['a page without an address', { elicitUrl: decline }, 'elicitation/create', { ...page, url: 'in' }, -32_602],
    ['an elicitation without params', { elicit: decline }, 'elicitation/create', undefined, -32_602],
    ['a sample of nothing', { sample: decline }, 'sampling/createMessage', { maxTokens: 5 }, -32_602],
    ['for roots where there are none', { elicit: decline }, 'roots/list', undefined, -32_601],
    ['for a sample that answers with no message', { sample: decline }, 'sampling/createMessage', sampling, -32_603],
    ['for roots that are none', { roots: () => Promise.resolve([{ name: 'x' } as never]) }, 'roots/list', {}, -32_603],
    [
      'what is answered with nothing',
      { elicit: () => Promise.resolve(null as never) },
      'elicitation/create',
      form,
      -32_603,
    ],
  ];

  it.each(refused)('is refused: %s', async (_what, handlers, method, params, code) => {
    const asking = await opened(handlers);
    expect(await asking.ask(method, params)).toMatchObject({ code });
    await asking.owner.link.close('graceful');
  });

  it('is answered 64 at a time, and one more is refused until one of them is answered', async () => {
    const answers: (() => void)[] = [];
    const asking = await opened({
      elicit: () => new Promise((resolve) => answers.push(() => resolve({ action: 'decline' }))),
    });
    for (let n = 1; n <= 64; n += 1) expect(await asking.ask('elicitation/create', form)).toBeUndefined();
    expect(await asking.ask('elicitation/create', form)).toMatchObject({ code: -32_603 });
    expect(answers).toHaveLength(64);
    answers[0]?.();
    await flush();
    expect(await asking.ask('elicitation/create', form)).toBeUndefined();
    expect(answers).toHaveLength(65);
    await asking.owner.link.close('graceful');
  });
});
