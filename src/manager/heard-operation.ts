import type { Clock } from '../actors/ports.ts';
import type { HoldfastError } from '../errors/holdfast-error.ts';
import type { Call, Served } from './call.ts';
import type { OperationConnection, OperationEnd, OperationObserver, Settled } from './instrumentation.ts';
import type { Hearer } from './instruments.ts';
import type { SessionRecord } from './session-record.ts';

/** One call that somebody hears of. Nobody who hears of it can hurt it. */
export class HeardOperation {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #hearers: readonly Hearer<OperationObserver>[];
  readonly #began: number;
  #attempts = 0;
  /** What became of the last attempt. */
  failure: HoldfastError | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>, hearers: readonly Hearer<OperationObserver>[]) {
    this.#clock = clock;
    this.#hearers = hearers;
    this.#began = clock.monotonic();
  }

  /** The call as it is sent: with what the observers add to its `_meta`. */
  attempted<Result>(call: Call<Result>, record: SessionRecord): Call<Result> {
    this.#attempts += 1;
    const attempt = {
      ...connectionOf(record),
      attempt: this.#attempts,
      elapsedMs: this.#elapsedMs,
      after: this.failure,
    };
    const added = this.#hearers.flatMap(({ observer, guard }) => guard(() => observer.attempted?.(attempt)) ?? []);
    if (added.length === 0) return call;
    const meta = call.params?.['_meta'];
    const own = typeof meta === 'object' ? meta : undefined;
    return { ...call, params: { ...call.params, _meta: Object.assign({}, ...added, own) } };
  }

  /** Tells how the call ended. */
  async until<Result>(serving: Promise<Served<Result>>): Promise<Served<Result>> {
    try {
      const served = await serving;
      this.#end({ ok: true, result: served.result });
      return served;
    } catch (error) {
      this.#end({ ok: false, error });
      throw error;
    }
  }

  #end(settled: Settled): void {
    const end: OperationEnd = { ...settled, elapsedMs: this.#elapsedMs, attempts: this.#attempts };
    for (const { observer, guard } of this.#hearers) guard(() => observer.ended?.(end));
  }

  get #elapsedMs(): number {
    return this.#clock.monotonic() - this.#began;
  }
}

/** The present connection of a server, as observers are told of it. */
export function connectionOf({ id, generation, target, known }: SessionRecord): OperationConnection {
  const { facts } = known;
  return {
    serverId: id,
    generation,
    transport: target.kind,
    era: facts?.era ?? null,
    protocolVersion: facts?.protocolVersion ?? null,
  };
}
