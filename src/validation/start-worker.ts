import { Worker } from 'node:worker_threads';
import { isWorkerAnswer, READY, type CheckWorker, type StartWorker } from './worker-protocol.ts';

export interface StartWorkerOptions {
  /** The compiled `worker-script`. Default: the one beside this file, which TypeScript sources do not have. */
  readonly script?: URL;
  /** Heap of the worker in MB, beyond which it is ended. Default 64. */
  readonly maxHeapMb?: number;
}

/**
 * Starts checks on a worker thread of Node. The thread has an empty environment and a bounded heap, and does not keep the process
 * alive. What goes wrong in it ends it alone.
 */
export function workerThreads({ script, maxHeapMb = 64 }: StartWorkerOptions = {}): StartWorker {
  return (listener) => {
    const options = { env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } };
    const worker =
      script === undefined
        ? // In this form bundlers find the file.
          new Worker(new URL('./worker-script.js', import.meta.url), options)
        : new Worker(script, options);
    let cause: unknown;
    worker.on('message', (message: unknown) => {
      if (message === READY) listener.ready();
      else if (isWorkerAnswer(message)) listener.answered(message);
    });
    worker.on('error', (error: unknown) => {
      cause = error;
    });
    worker.on('exit', (exitCode) => {
      listener.ended({
        outOfMemory: cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY',
        message: cause instanceof Error ? cause.message : `it exited with code ${exitCode}`,
      });
    });
    worker.unref();
    return threadOf(worker);
  };
}

function threadOf(worker: Worker): CheckWorker {
  return {
    post: (order) => worker.postMessage(order),
    terminate: async () => {
      await worker.terminate();
    },
  };
}
