import type { Attributes, Meter } from '@opentelemetry/api';
import type { Instrumentation, Operation } from '../index.ts';
import { CappedNames } from './capped-names.ts';
import {
  askedAttributes,
  askedBy,
  connectionAttributes,
  failureAttributes,
  failureIn,
  own,
  viaAttributes,
  type Asked,
  type Failure,
} from './operation-attributes.ts';
import { attribute, durationBoundaries, metric } from './semconv.ts';

const seconds = { unit: 's', advice: { explicitBucketBoundaries: durationBoundaries } };

/** So many names of each kind are told apart. */
const most = { methods: 100, tools: 1_000, prompts: 1_000, rpcCodes: 100 };

/** The metrics of calls, and of what servers ask of us. */
export function operationMetrics(meter: Meter): Instrumentation {
  const duration = meter.createHistogram(metric.clientOperationDuration, {
    ...seconds,
    description: 'Duration of a call, over all its attempts and waits.',
  });
  const answering = meter.createHistogram(metric.serverOperationDuration, {
    ...seconds,
    description: 'Duration of the answer to a request of a server.',
  });
  const wait = meter.createHistogram('holdfast.call.wait.duration', {
    ...seconds,
    description: 'Time from the beginning of a call to its first attempt: waiting for its turn, or for a connection.',
  });
  const waiting = meter.createUpDownCounter('holdfast.calls.waiting', {
    unit: '{call}',
    description: 'Calls that wait for their turn, or for a connection.',
  });
  const retries = meter.createCounter('holdfast.call.retries', {
    unit: '{attempt}',
    description: 'Attempts of calls after the first.',
  });
  const names = new Names();

  return {
    beginOperation: (operation) => {
      const via = viaAttributes(operation);
      let where = via;
      waiting.add(1, via);
      return {
        attempted: (attempt) => {
          const { serverId, elapsedMs, after } = attempt;
          where = { ...via, ...connectionAttributes(attempt) };
          if (attempt.attempt === 1) {
            waiting.add(-1, via);
            wait.record(elapsedMs / 1_000, { [own.server]: serverId });
          } else {
            const why = names.failure(failureIn({ ok: false, error: after }));
            retries.add(1, { [own.server]: serverId, [attribute.errorType]: why?.type });
          }
          return undefined;
        },
        ended: (end) => {
          if (end.attempts === 0) waiting.add(-1, via);
          duration.record(end.elapsedMs / 1_000, {
            ...names.asked(operation),
            ...where,
            ...failureAttributes(names.failure(failureIn(end))),
          });
        },
      };
    },
    beginServerRequest: (request) => ({
      ended: (end) => {
        answering.record(end.elapsedMs / 1_000, {
          [attribute.method]: request.method,
          ...connectionAttributes(request),
          ...failureAttributes(failureIn(end)),
        });
      },
    }),
  };
}

/** Bounds what callers and servers name. */
class Names {
  readonly #methods = new CappedNames(most.methods);
  readonly #tools = new CappedNames(most.tools);
  readonly #prompts = new CappedNames(most.prompts);
  readonly #rpcCodes = new CappedNames(most.rpcCodes);

  asked(operation: Operation): Attributes {
    const { method, tool, prompt }: Asked = askedBy(operation);
    return askedAttributes({
      method: this.#methods.of(method),
      tool: tool === undefined ? undefined : this.#tools.of(tool),
      prompt: prompt === undefined ? undefined : this.#prompts.of(prompt),
    });
  }

  failure(failure: Failure | undefined): Failure | undefined {
    if (failure?.rpcCode === undefined) return failure;
    const rpcCode = this.#rpcCodes.of(failure.rpcCode);
    return { type: rpcCode, rpcCode };
  }
}
