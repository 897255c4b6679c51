/** Limits of a `CheckQueue`. */
export interface CheckQueueLimits {
  /** Checks that may wait, of all servers together. */
  readonly maxWaiting: number;
  /** Checks that may wait of one server. */
  readonly maxWaitingPerServer: number;
}

/** Checks that wait for the worker. They are taken from each server in turn, and of one server in the order in which they came. */
export class CheckQueue<Job extends { readonly server: string; readonly key: string }> {
  readonly #limits: CheckQueueLimits;
  /** By server; the one whose turn it is comes first. None is empty. */
  readonly #lines = new Map<string, Job[]>();
  #size = 0;

  constructor(limits: CheckQueueLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** False when there is no room. */
  add(job: Job): boolean {
    const line = this.#lines.get(job.server) ?? [];
    if (this.#size >= this.#limits.maxWaiting || line.length >= this.#limits.maxWaitingPerServer) return false;
    line.push(job);
    this.#lines.set(job.server, line);
    this.#size += 1;
    return true;
  }

  take(): Job | undefined {
    const [next] = this.#lines;
    if (next === undefined) return undefined;
    const [server, line] = next;
    const job = line.shift();
    this.#size -= 1;
    this.#lines.delete(server);
    if (line.length > 0) this.#lines.set(server, line);
    return job;
  }

  /** Takes out all that this holds for, in no particular order. */
  takeWhere(holds: (job: Job) => boolean): Job[] {
    const taken: Job[] = [];
    for (const [server, line] of this.#lines) {
      const staying = line.filter((job) => !holds(job));
      if (staying.length === line.length) continue;
      taken.push(...line.filter((job) => !staying.includes(job)));
      if (staying.length > 0) this.#lines.set(server, staying);
      else this.#lines.delete(server);
    }
    this.#size -= taken.length;
    return taken;
  }
}
