import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../src/testing/index.ts';
import { createOutputValidator } from '../../src/validation/output-validator.ts';
import type { StartWorker, WorkerAnswer, WorkerListener, WorkerOrder } from '../../src/validation/worker-protocol.ts';

const answer = fc.constantFrom<WorkerAnswer>(
  { kind: 'valid' },
  { kind: 'invalid', path: '', message: 'no' },
  { kind: 'bad-schema', message: 'no' },
  { kind: 'failed', message: 'no' },
);

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('ask' as const), server: fc.nat(3), key: fc.nat(5) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('answer' as const), answer }) },
  { weight: 3, arbitrary: fc.constant({ do: 'become ready' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'be gone' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse to start' as const), isRefusing: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 250, 6_000, 31_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stall' as const), ms: fc.constantFrom(100, 1_000) }) },
);

/** A worker that keeps its side of the protocol, and minds that the validator keeps its own. */
class ModelWorker {
  readonly schemas = new Set<string>();
  readonly listener: WorkerListener;
  order: WorkerOrder | null = null;
  isReady = false;
  isRunning = true;
  resolveGone: (() => void) | null = null;

  constructor(listener: WorkerListener) {
    this.listener = listener;
  }

  post(order: WorkerOrder): void {
    expect([this.isRunning, this.isReady, this.resolveGone, this.order]).toEqual([true, true, null, null]);
    if (order.forget !== null) expect(this.schemas.delete(order.forget)).toBe(true);
    expect(this.schemas.has(order.key)).toBe(order.schema === null);
    this.schemas.add(order.key);
    this.order = order;
  }
}

describe('whatever is asked, and whatever the worker does', () => {
  it('every check settles once and within 5 250 ms, one worker runs at a time, and closing leaves nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const clock = createVirtualClock();
        const workers: ModelWorker[] = [];
        let isRefusing = false;
        const startWorker: StartWorker = (listener) => {
          if (isRefusing) throw new Error('no');
          expect(workers.some(({ isRunning }) => isRunning)).toBe(false);
          const worker = new ModelWorker(listener);
          workers.push(worker);
          return {
            post: (order) => worker.post(order),
            terminate: () => {
              expect([worker.isRunning, worker.resolveGone]).toEqual([true, null]);
              return new Promise((resolve) => {
                worker.resolveGone = resolve;
              });
            },
          };
        };
        const validator = createOutputValidator({ clock, startWorker });
        let asked = 0;
        const settled: string[] = [];
        const late: string[] = [];
        let stalledMs = 0;

        const ask = (server: number, key: number): void => {
          asked += 1;
          const [name, askedAt, stalledBefore] = [`check ${asked}`, clock.monotonic(), stalledMs];
          const schema = { pattern: `${key}` };
          const verdict = validator.check({ server: `s${server}`, key: `k${key}`, schema, value: '' });
          void Promise.resolve(verdict).then(() => {
            settled.push(name);
            const tookMs = clock.monotonic() - askedAt - (stalledMs - stalledBefore);
            if (tookMs > 5_250) late.push(`${name} took ${tookMs} ms`);
          });
        };
        const beGone = (worker: ModelWorker | undefined): void => {
          if (worker === undefined || worker.resolveGone === null) return;
          worker.isRunning = false;
          worker.listener.ended({ outOfMemory: false, message: 'it exited with code 1' });
          worker.resolveGone();
        };

        for (const each of steps) {
          const worker = workers.at(-1);
          if (each.do === 'ask') ask(each.server, each.key);
          else if (each.do === 'refuse to start') isRefusing = each.isRefusing;
          else if (each.do === 'wait') await clock.advance(each.ms);
          else if (each.do === 'stall') {
            stalledMs += each.ms;
            await clock.stall(each.ms);
          } else if (worker?.isRunning === true) {
            if (each.do === 'become ready' && !worker.isReady) {
              worker.isReady = true;
              worker.listener.ready();
            } else if (each.do === 'answer' && worker.order !== null) {
              worker.order = null;
              worker.listener.answered(each.answer);
            } else if (each.do === 'be gone') beGone(worker);
            else if (each.do === 'crash' && worker.resolveGone === null) {
              worker.isRunning = false;
              worker.listener.ended({ outOfMemory: true, message: 'no' });
            }
          }
          await clock.settle();
        }

        const closed = validator.close();
        beGone(workers.at(-1));
        await closed;
        await clock.settle();
        expect(late).toEqual([]);
        expect([workers.some(({ isRunning }) => isRunning), clock.pendingTimers]).toEqual([false, 0]);
        expect(settled.toSorted()).toEqual(
          Array.from({ length: asked }, (_, index) => `check ${index + 1}`).toSorted(),
        );
      }),
      { numRuns: 1_000 },
    );
  });
});
