import type { Clock } from '../actors/ports.ts';
import type { ServerRequestHandlers } from '../link/link.ts';
import type { Call } from './call.ts';
import { connectionOf, HeardOperation } from './heard-operation.ts';
import type { Instrumentation, ServerRequest, ServerRequestObserver, Settled } from './instrumentation.ts';
import type { Logger } from './logger.ts';
import { objectValue } from './option-rules.ts';
import type { Route } from './route.ts';
import type { SessionRecord } from './session-record.ts';

/** One instrumentation, for as long as it does not throw. */
export interface Hearer<Observer> {
  readonly observer: Observer;
  /** Runs something of the instrumentation's; undefined when it throws, or has thrown before. */
  readonly guard: <T>(run: () => T) => T | undefined;
}

/** The instrumentations of one manager. While there is none, a call pays one comparison. */
export class Instruments {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #logger: Logger;
  #attached: readonly Hearer<Instrumentation>[] | undefined;

  constructor(clock: Pick<Clock, 'monotonic'>, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  attach(instrumentation: Instrumentation): () => void {
    objectValue(instrumentation, 'instrumentation', undefined);
    let isBroken = false;
    const detach = (): void => {
      const rest = this.#attached?.filter((each) => each !== hearer) ?? [];
      this.#attached = rest.length === 0 ? undefined : rest;
    };
    const hearer: Hearer<Instrumentation> = {
      observer: instrumentation,
      guard: (run) => {
        if (isBroken) return undefined;
        try {
          return run();
        } catch (error) {
          isBroken = true;
          detach();
          this.#logger.error({ err: error }, 'an instrumentation threw; it is told nothing more');
          return undefined;
        }
      },
    };
    this.#attached = [...(this.#attached ?? []), hearer];
    return detach;
  }

  /** The operation that this call is, if anybody hears of it. */
  hear<Result>(route: Route, call: Call<Result>): HeardOperation | undefined {
    const attached = this.#attached;
    if (attached === undefined) return undefined;
    const { method, params, tool } = call;
    const via = route.isGroup ? { group: route.id } : { server: route.id };
    const hearers = begun(attached, (each) => each.beginOperation?.({ method, params, tool, via }));
    return hearers.length === 0 ? undefined : new HeardOperation(this.#clock, hearers);
  }

  /** The same handlers, of whose requests everybody hears who is attached when they come. */
  heard(
    handlers: ServerRequestHandlers | undefined,
    record: SessionRecord,
    generation: number,
  ): ServerRequestHandlers | undefined {
    if (handlers === undefined) return undefined;
    const { elicit, elicitUrl, sample, roots } = handlers;
    const answer = <T>(method: ServerRequest['method'], params: ServerRequest['params'], run: () => Promise<T>) =>
      this.#answer({ ...connectionOf(record), generation, method, params }, run);
    return {
      elicit: elicit && ((params, context) => answer('elicitation/create', params, () => elicit(params, context))),
      elicitUrl:
        elicitUrl && ((params, context) => answer('elicitation/create', params, () => elicitUrl(params, context))),
      sample: sample && ((params, context) => answer('sampling/createMessage', params, () => sample(params, context))),
      roots: roots && ((context) => answer('roots/list', undefined, () => roots(context))),
    };
  }

  async #answer<T>(request: ServerRequest, handle: () => Promise<T>): Promise<T> {
    const attached = this.#attached;
    if (attached === undefined) return handle();
    const began = this.#clock.monotonic();
    const hearers = begun(attached, (each) => each.beginServerRequest?.(request));
    const end = (settled: Settled): void => {
      const elapsedMs = this.#clock.monotonic() - began;
      for (const { observer, guard } of hearers) guard(() => observer.ended?.({ ...settled, elapsedMs }));
    };
    try {
      const result = await hearers.reduce(within, handle)();
      end({ ok: true, result });
      return result;
    } catch (error) {
      end({ ok: false, error });
      throw error;
    }
  }
}

function begun<Observer>(
  attached: readonly Hearer<Instrumentation>[],
  begin: (instrumentation: Instrumentation) => Observer | undefined,
): readonly Hearer<Observer>[] {
  return attached.flatMap(({ observer: instrumentation, guard }) => {
    const observer = guard(() => begin(instrumentation));
    return observer === undefined ? [] : { observer, guard };
  });
}

/** The handler, run where the observer wants it run; it runs exactly once, whatever the observer does. */
function within<T>(run: () => Promise<T>, { observer, guard }: Hearer<ServerRequestObserver>): () => Promise<T> {
  return () => {
    let answer: Promise<T> | undefined;
    const once = (): Promise<T> => (answer ??= run());
    // The handler's promise is the same one, and somebody awaits it.
    void guard(() => observer.within?.(once));
    return once();
  };
}
