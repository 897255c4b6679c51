import { describe, expect, test } from 'vitest';
import { isHoldfastError, type Group } from '../../src/index.ts';
import { eventually } from '../support/eventually.ts';
import { pidOf, Stage, unhurried } from './stage.ts';

const everyMs = 5;
const answerAfterMs = 20;
const failbackDelayMs = 1_500;
const patience = { timeoutMs: 60_000 };

interface Settled {
  readonly key: string;
  readonly servedBy: string | undefined;
  /** `answered`, or the code and outcome of the error. */
  readonly how: string;
}

/** Calls a group every 5 ms, whatever becomes of the calls before: 200 a second. Each has a key that its server leaves in a log. */
class OpenLoop {
  readonly settled: Settled[] = [];
  readonly #calls: Promise<void>[] = [];
  readonly #group: Group;
  readonly #timer: NodeJS.Timeout;

  constructor(group: Group) {
    this.#group = group;
    this.#timer = setInterval(() => {
      this.#calls.push(this.#call(`k${this.#calls.length}`));
    }, everyMs);
  }

  async #call(key: string): Promise<void> {
    let servedBy: string | undefined;
    const how = await this.#group
      .callTool('mark', { key, ms: answerAfterMs }, { onServed: ({ serverId }) => (servedBy = serverId) })
      .then(
        () => 'answered',
        (error: unknown) => (isHoldfastError(error) ? `${error.code} ${String(error.outcome)}` : String(error)),
      );
    this.settled.push({ key, servedBy, how });
  }

  async answeredBy(id: string, more: number): Promise<void> {
    const from = this.settled.length;
    await eventually(() => this.settled.slice(from).filter(({ servedBy }) => servedBy === id).length >= more, {
      ...patience,
      what: `${more} more calls answered by ${id}`,
    });
  }

  /** Ends the calling and waits for every call. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#calls);
    expect(this.settled).toHaveLength(this.#calls.length);
  }
}

describe('a group under 200 calls a second whose primary is killed with -9', unhurried, () => {
  test('answers every call but those in flight, repeats none, fails over once and back once', async () => {
    const stage = new Stage();
    const a = await stage.add('a', stage.server('a'));
    await stage.add('b', stage.server('b'));
    const group = stage.manager.addGroup('pair', { primary: 'a', backups: ['b'], failbackDelayMs });
    const loop = new OpenLoop(group);
    try {
      await loop.answeredBy('a', 50);
      process.kill(pidOf(a), 'SIGKILL');
      await loop.answeredBy('b', 50);
      expect(group.active).toBe('b');
      await eventually(() => group.active === 'a', { ...patience, what: 'the primary is active again' });
      await loop.answeredBy('a', 50);
    } finally {
      await loop.end();
    }

    const executions = new Map<string, number>();
    for (const line of [...stage.log('a'), ...stage.log('b')]) {
      const key = /^mark (\S+)$/.exec(line)?.[1];
      if (key !== undefined) executions.set(key, (executions.get(key) ?? 0) + 1);
    }
    const lost = loop.settled.filter(({ how }) => how !== 'answered');
    expect(loop.settled.filter(({ key, how }) => how === 'answered' && executions.get(key) !== 1)).toEqual([]);
    expect([...executions].filter(([, times]) => times > 1)).toEqual([]);
    expect([...new Set(lost.map(({ how }) => how))]).toEqual(lost.length === 0 ? [] : ['OUTCOME_UNKNOWN unknown']);

    const told = stage.events.filter(({ groupId }) => groupId === 'pair').map(({ type }) => type);
    expect(told).toEqual([
      'groupAdded',
      'memberChanged',
      'failedOver',
      'memberChanged',
      'failbackScheduled',
      'failedBack',
    ]);
    expect(stage.events.find(({ type }) => type === 'failedOver')).toMatchObject({ from: 'a', to: 'b', byHand: false });
    expect(stage.events.find(({ type }) => type === 'failedBack')).toMatchObject({ from: 'b', to: 'a', byHand: false });
    await stage.close();
  });

  test('goes on with the backup, though a wrapper and a grandchild hide the death', async () => {
    const stage = new Stage();
    const a = await stage.add('a', stage.serverBehindShell('a', 'grandchild'), { reconnect: { enabled: false } });
    await stage.add('b', stage.server('b'));
    const group = stage.manager.addGroup('pair', { primary: 'a', backups: ['b'] });
    expect(group.active).toBe('a');
    process.kill(pidOf(a), 'SIGKILL');
    await eventually(() => group.active === 'b', patience);
    expect(await group.callTool('mark', { key: 'x', ms: 0 })).toMatchObject({ content: [{ type: 'text', text: 'x' }] });
    expect(stage.log('b')).toContain('mark x');
    expect(group.info).toMatchObject({ state: 'onBackup', active: 'b', switches: 1, failbackAt: null });
    await stage.close();
  });
});
