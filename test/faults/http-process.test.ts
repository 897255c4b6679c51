import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { unhurried } from '../e2e/stage.ts';
import { built } from '../support/built.ts';
import type { HttpFixture } from '../support/http-fixture.ts';
import { RawSession } from '../support/raw-http.ts';
import { FaultStage } from './fault-stage.ts';

const script = join(import.meta.dirname, '..', 'fixtures', 'http-faults-victim.mjs');
/** A program of this much heap has all the room that it needs, and none for the whole of what the server sends. */
const heapMb = 64;

let sources: string;
const started: Victim[] = [];

type Client = 'holdfast' | 'stock';

interface Report {
  readonly calls: readonly (string | null)[];
  readonly state?: readonly string[];
  readonly peakMb: number;
}

/** A program of its own that calls a faulty server: with holdfast, which holds a healthy one too, or with the SDK's client. */
class Victim {
  readonly process: ChildProcess;
  /** Exit code and signal. */
  readonly ended: Promise<unknown[]>;
  readonly #lines: AsyncIterator<string>;
  readonly #input: Interface;

  private constructor(child: ChildProcess, output: NodeJS.ReadableStream) {
    this.process = child;
    this.ended = once(child, 'exit');
    this.#input = createInterface({ input: output });
    this.#lines = this.#input[Symbol.asyncIterator]();
  }

  static async start(client: Client, faulty: HttpFixture, healthy: HttpFixture): Promise<Victim> {
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${heapMb}`, script, client === 'stock' ? 'stock' : sources, faulty.url, healthy.url],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    const victim = new Victim(child, child.stdout);
    started.push(victim);
    expect(await victim.line()).toBe('ready');
    return victim;
  }

  /** As the program's own head documents them. */
  order(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  async report(): Promise<Report> {
    return JSON.parse((await this.line()) ?? 'null') as Report;
  }

  /** Undefined when it has ended. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
    this.#input.close();
  }
}

beforeAll(async () => {
  sources = await built();
});

afterEach(async () => {
  for (const victim of started.splice(0)) await victim.kill();
});

describe('a program of 64 MB', unhurried, () => {
  test.each(['json', 'sse'])(
    'that is sent 128 MB of %s in a few hundred kB loses the call and nothing else',
    async (type) => {
      const stage = await FaultStage.withNeighbour();
      const faults = [{ on: 'tools/call', times: 1, do: 'bomb', type, mb: 128 }];
      const victim = await Victim.start('holdfast', await stage.fixture({ faults }), await stage.fixture());
      victim.order('call');
      const bombed = await victim.report();
      expect(bombed).toMatchObject({
        calls: ['OUTCOME_UNKNOWN unknown', 'hello'],
        state: ['degraded 1 0', 'healthy 1 0'],
      });
      victim.order('call');
      expect((await victim.report()).calls).toEqual(['hello', 'hello']);
      // A program that does nothing has half of that.
      expect(bombed.peakMb).toBeLessThan(200);
      victim.order('close');
      expect(await victim.ended).toEqual([0, null]);
      await stage.close();
    },
  );

  test('that is sent 128 MB of events in a few hundred kB dies of it with the stock client', async () => {
    const stage = await FaultStage.withNeighbour();
    const faults = [{ on: 'tools/call', times: 1, do: 'bomb', type: 'sse', mb: 128 }];
    const victim = await Victim.start('stock', await stage.fixture({ faults }), await stage.fixture());
    victim.order('call');
    expect(await victim.line()).toBeUndefined();
    expect(await victim.ended).toEqual([null, 'SIGABRT']);
    await stage.close();
  });
});

describe('a program that stands still until the time of its call is over, with the answer there', unhurried, () => {
  const held = 'hold {"tag":"x"}';
  const unharmed = ['healthy 1 0', 'healthy 1 0'];

  interface Scene {
    readonly stage: FaultStage;
    readonly server: HttpFixture;
    readonly victims: readonly Victim[];
  }

  /** Programs whose calls are under way. */
  async function openScene(...clients: readonly Client[]): Promise<Scene> {
    const stage = await FaultStage.withNeighbour();
    const server = await stage.fixture();
    const healthy = await stage.fixture();
    const starting = Promise.all(clients.map((client) => Victim.start(client, server, healthy)));
    for (const victim of await starting) victim.order('hold x');
    await server.executed(held, clients.length);
    return { stage, server, victims: await starting };
  }

  async function answered(victim: Victim | undefined): Promise<Report | undefined> {
    victim?.order('answer');
    const report = await victim?.report();
    victim?.order('close');
    expect(await victim?.ended).toEqual([0, null]);
    return report;
  }

  test('since its own loop is blocked gets the answer; with the stock client it does not', async () => {
    const { stage, server, victims } = await openScene('holdfast', 'stock');
    const file = join(stage.directory, 'answered');
    for (const victim of victims) {
      victim.order(`block ${file}`);
      expect(await victim.line()).toBe('blocked');
    }
    await server.order({ release: 'x' });
    expect((await server.truth()).open.replies).toBe(0);
    writeFileSync(file, '');
    expect(await answered(victims[0])).toMatchObject({ calls: ['released x', 'hello'], state: unharmed });
    expect((await answered(victims[1]))?.calls[0]).toBe('-32001');
    expect(server.executions()).toEqual([held, held]);
    await stage.close();
  });

  test('since its machine sleeps (SIGSTOP) gets the answer', async () => {
    const { stage, server, victims } = await openScene('holdfast');
    const clock = await RawSession.open(server.url);
    for (const victim of victims) victim.process.kill('SIGSTOP');
    await server.order({ release: 'x' });
    // Longer than the call may take, by the time of a third party.
    await clock.call('sleep', { ms: 1_300 });
    for (const victim of victims) victim.process.kill('SIGCONT');
    expect(await answered(victims[0])).toMatchObject({ calls: ['released x', 'hello'], state: unharmed });
    expect(server.executions()).toEqual([held, 'sleep {"ms":1300}']);
    await stage.close();
  });
});
