import type { StartWorker, WorkerAnswer, WorkerListener, WorkerOrder } from '../../src/validation/worker-protocol.ts';

/** Workers that do only what a test tells them to, and note what they were told. */
export interface FakeWorkers {
  readonly start: StartWorker;
  /** `1 starts`, `1 is given a (with schema)`, `1 is terminated`, `1 is gone`. */
  readonly log: string[];
  /** What the newest worker was given last. */
  readonly order: WorkerOrder | undefined;
  ready(): void;
  answer(answer: WorkerAnswer): void;
  crash(why: { readonly outOfMemory: boolean; readonly message: string }): void;
  /** The newest worker, which was terminated, is gone. */
  gone(): void;
  /** From now on starting one throws this, or works again. */
  refuse(error: Error | null): void;
  /** From now on handing an order over throws this, or works again. */
  refuseOrders(error: Error | null): void;
}

export function createFakeWorkers(): FakeWorkers {
  const log: string[] = [];
  let count = 0;
  let listener: WorkerListener | undefined;
  let order: WorkerOrder | undefined;
  let resolveGone = (): void => undefined;
  let refusal: Error | null = null;
  let orderRefusal: Error | null = null;
  return {
    log,
    get order() {
      return order;
    },
    start: (given) => {
      if (refusal !== null) throw refusal;
      count += 1;
      const name = count;
      listener = given;
      log.push(`${name} starts`);
      return {
        post: (next) => {
          if (orderRefusal !== null) throw orderRefusal;
          order = next;
          const forgets = next.forget === null ? '' : `, forgets ${next.forget}`;
          log.push(`${name} is given ${next.key}${next.schema === null ? '' : ' (with schema)'}${forgets}`);
        },
        terminate: () => {
          log.push(`${name} is terminated`);
          return new Promise((resolve) => {
            resolveGone = () => {
              log.push(`${name} is gone`);
              resolve();
            };
          });
        },
      };
    },
    ready: () => listener?.ready(),
    answer: (answer) => listener?.answered(answer),
    crash: (why) => listener?.ended(why),
    gone: () => resolveGone(),
    refuse: (error) => {
      refusal = error;
    },
    refuseOrders: (error) => {
      orderRefusal = error;
    },
  };
}
