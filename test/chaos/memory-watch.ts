import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { slopeOf, type Sample, type Slope } from './memory-trend.ts';

export interface MemoryTrend {
  /** After a full collection, without the first third of the run, in which code is still being compiled. */
  readonly heap: Slope | null;
  readonly rss: Slope | null;
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly samples: number;
  /** The heap certainly grows by more than what a collection leaves by chance. */
  readonly isLeak: boolean;
}

const everyMs = 3_000;

/**
 * Of the heap, after warming up. What V8 keeps of its compiled code still grows by up to 100 kB a minute then, and by a quarter of that
 * with its optimising compiler off; a leak of a kilobyte for each event is 3.7 MB a minute.
 */
const leakBytesPerMinute = 256 * 1024;

/** Samples this process's memory while a run goes on. */
export class MemoryWatch {
  readonly #heap: Sample[] = [];
  readonly #rss: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (typeof collect !== 'function') throw new Error('the collector cannot be called');
    this.#timer = setInterval(() => {
      collect();
      const { heapUsed, rss } = process.memoryUsage();
      const atMs = performance.now();
      this.#heap.push({ atMs, bytes: heapUsed });
      this.#rss.push({ atMs, bytes: rss });
    }, everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  trend(): MemoryTrend {
    const warm = Math.ceil(this.#heap.length / 3);
    const heap = slopeOf(this.#heap.slice(warm));
    return {
      heap,
      rss: slopeOf(this.#rss.slice(warm)),
      heapBytes: this.#heap.at(-1)?.bytes ?? 0,
      rssBytes: this.#rss.at(-1)?.bytes ?? 0,
      samples: this.#heap.length,
      isLeak: heap !== null && heap.from > leakBytesPerMinute,
    };
  }
}
