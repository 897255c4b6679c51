/** One entry of a `TimerQueue`. */
export interface QueuedTimer {
  readonly due: number;
  readonly order: number;
  /** Null once it has run or was cancelled. */
  callback: (() => void) | null;
}

/** Below this many cancelled entries a sweep costs more than it frees. */
const SWEEP_FLOOR = 512;

/** A binary heap of timers by (due, order). Cancelling is O(1): the entry stays behind until it is met or swept. */
export class TimerQueue {
  #heap: QueuedTimer[] = [];
  #size = 0;

  /** Entries that will still run. */
  get size(): number {
    return this.#size;
  }

  add(timer: QueuedTimer): void {
    this.#size += 1;
    this.#heap.push(timer);
    siftUp(this.#heap, this.#heap.length - 1);
  }

  cancel(timer: QueuedTimer): void {
    if (timer.callback === null) return;
    timer.callback = null;
    this.#size -= 1;
    if (this.#heap.length - this.#size > this.#size + SWEEP_FLOOR) this.#sweep();
  }

  /** The entry that runs next, left in place. */
  peek(): QueuedTimer | undefined {
    let first = this.#heap[0];
    while (first !== undefined && first.callback === null) {
      this.#removeFirst();
      first = this.#heap[0];
    }
    return first;
  }

  /** Takes the callback of the entry that runs next. */
  take(): (() => void) | null {
    const first = this.peek();
    if (first === undefined) return null;
    const { callback } = first;
    this.#removeFirst();
    first.callback = null;
    this.#size -= 1;
    return callback;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    siftDown(this.#heap, 0);
  }

  #sweep(): void {
    // A sorted array is a valid heap.
    this.#heap = this.#heap.filter((timer) => timer.callback !== null).toSorted(compareTimers);
  }
}

/** Negative if `a` runs before `b`. */
export function compareTimers(a: QueuedTimer, b: QueuedTimer): number {
  return a.due - b.due || a.order - b.order;
}

function siftUp(heap: QueuedTimer[], start: number): void {
  let index = start;
  const timer = heap[index];
  if (timer === undefined) return;
  while (index > 0) {
    const parentIndex = (index - 1) >> 1;
    const parent = heap[parentIndex];
    if (parent === undefined || compareTimers(parent, timer) <= 0) break;
    heap[index] = parent;
    index = parentIndex;
  }
  heap[index] = timer;
}

function siftDown(heap: QueuedTimer[], start: number): void {
  let index = start;
  const timer = heap[index];
  if (timer === undefined) return;
  for (;;) {
    let childIndex = 2 * index + 1;
    let child = heap[childIndex];
    if (child === undefined) break;
    const right = heap[childIndex + 1];
    if (right !== undefined && compareTimers(right, child) < 0) {
      childIndex += 1;
      child = right;
    }
    if (compareTimers(timer, child) <= 0) break;
    heap[index] = child;
    index = childIndex;
  }
  heap[index] = timer;
}
