import { describe, expect, it } from 'vitest';
import type { ServerRequestHandlers } from '../../../src/link/link.ts';
import { expectNothingLeft, flush, Owner } from './owner.ts';
import { ScriptedTransport } from './scripted-transport.ts';

type Elicit = NonNullable<ServerRequestHandlers['elicit']>;

/** A server that asks people, and the people, who answer when the test says so. */
class Asked {
  readonly transport = new ScriptedTransport();
  readonly owner: Owner;
  /** Those who were asked, in order. */
  readonly questions: { readonly message: unknown; readonly answer: () => void }[] = [];

  constructor(elicit?: Elicit) {
    const ask: Elicit = ({ message }) =>
      new Promise((resolve) => {
        this.questions.push({ message, answer: () => resolve({ action: 'decline' }) });
      });
    const handlers = { elicit: elicit ?? ask, roots: () => Promise.resolve([]) };
    this.owner = new Owner({ kind: 'once', transport: this.transport }, { handlers });
  }

  /** The numbers that were told, in order. */
  get people(): number[] {
    return this.owner.events.flatMap((event) => (event.type === 'asking' ? [event.people] : []));
  }

  async ask(id: string): Promise<void> {
    this.demand(id);
    await flush();
  }

  demand(id: string): void {
    const params = { message: `question ${id}`, requestedSchema: { type: 'object', properties: {} } };
    this.transport.receive({ jsonrpc: '2.0', id, method: 'elicitation/create', params });
  }

  takeBack(id: string): void {
    this.transport.receive({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
  }
}

describe('how many people the server waits for', () => {
  expectNothingLeft();

  it('is told up and down as its questions overlap, and no other request of it counts', async () => {
    const asked = new Asked();
    await asked.owner.opened();
    await asked.ask('a');
    await asked.ask('b');
    asked.transport.receive({ jsonrpc: '2.0', id: 'r', method: 'roots/list' });
    await flush();
    asked.questions[0]?.answer();
    await flush();
    await asked.ask('c');
    for (const { answer } of asked.questions) answer();
    await flush();
    expect(asked.people).toEqual([1, 2, 1, 2, 1, 0]);
    expect(asked.transport.sent.slice(2).map(({ id }) => id)).toEqual(['r', 'a', 'b', 'c']);
    await asked.owner.link.close('graceful');
  });

  it.each<[string, Elicit]>([
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['answers nonsense', () => Promise.resolve({ action: 'dance' })],
  ])('falls again when their handler %s', async (_how, elicit) => {
    const asked = new Asked(elicit);
    await asked.owner.opened();
    await asked.ask('a');
    expect(asked.people).toEqual([1, 0]);
    expect(asked.transport.sent.slice(2)).toMatchObject([{ id: 'a', error: {} }]);
    await asked.owner.link.close('graceful');
  });

  it('falls at once when the server takes its question back, though the person is still at it, and only once', async () => {
    const asked = new Asked();
    await asked.owner.opened();
    await asked.ask('a');
    await asked.ask('b');
    asked.takeBack('a');
    await flush();
    expect(asked.people).toEqual([1, 2, 1]);
    for (const { answer } of asked.questions) answer();
    await flush();
    expect(asked.people).toEqual([1, 2, 1, 0]);
    expect(asked.transport.sent.slice(2).map(({ id }) => id)).toEqual(['b']);
    await asked.owner.link.close('graceful');
  });

  it('never rises for a question that was taken back before anybody was asked', async () => {
    const asked = new Asked();
    await asked.owner.opened();
    asked.demand('a');
    asked.takeBack('a');
    await flush();
    expect([asked.people, asked.questions, asked.owner.types]).toEqual([[], [], ['opened']]);
    await asked.owner.link.close('graceful');
  });

  it('is told no more once the link is down', async () => {
    const asked = new Asked();
    await asked.owner.opened();
    await asked.ask('a');
    asked.transport.onclose?.();
    asked.questions[0]?.answer();
    await flush();
    expect(asked.owner.types).toEqual(['opened', 'asking', 'down']);
  });
});
