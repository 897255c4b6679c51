import { metrics, trace, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import type { SessionManager } from '../index.ts';
import { eventLoopMetrics } from './event-loop-metrics.ts';
import { eventMetrics } from './event-metrics.ts';
import { operationMetrics } from './operation-metrics.ts';
import { schemaUrl } from './semconv.ts';
import { operationSpans, type Propagation } from './spans.ts';
import { stateMetrics } from './state-metrics.ts';

const scope = 'holdfast';

export interface TelemetryOptions {
  /** Takes the metrics. Default: the one that is registered with OpenTelemetry when this is called. Null: no metrics. */
  readonly meterProvider?: MeterProvider | null | undefined;
  /** Takes the spans. Default: the one that is registered with OpenTelemetry. Null: no spans, and no trace context is sent. */
  readonly tracerProvider?: TracerProvider | null | undefined;
  /**
   * What goes with each request to a server, in the `_meta` of its params, as the propagator that is registered with OpenTelemetry writes
   * it. `all` (default): `traceparent`, `tracestate` and `baggage`. `trace`: no baggage, which is the application's own data. `none`.
   */
  readonly propagation?: Propagation | undefined;
  /**
   * True: spans hold what is asked and answered, too: arguments and results of tools, addresses of resources, messages of errors. Servers
   * and callers put secrets into those. Default false.
   */
  readonly content?: boolean | undefined;
}

/**
 * Tells OpenTelemetry of this manager: metrics, and a span for each call, by the semantic conventions for MCP; docs/observability.md has
 * all of their names. Returns the way to stop, which happens by itself when the manager is closed. Spans that were begun are ended all
 * the same.
 */
export function instrumentManager(manager: SessionManager, options: TelemetryOptions = {}): () => void {
  const {
    meterProvider = metrics.getMeterProvider(),
    tracerProvider = trace.getTracerProvider(),
    propagation = 'all',
    content = false,
  } = options;
  const stops: (() => void)[] = [];
  if (meterProvider !== null) {
    const meter = meterProvider.getMeter(scope, undefined, { schemaUrl });
    stops.push(
      manager.instrument(operationMetrics(meter)),
      eventMetrics(manager, meter),
      stateMetrics(manager, meter),
      eventLoopMetrics(meter),
    );
  }
  if (tracerProvider !== null) {
    const tracer = tracerProvider.getTracer(scope, undefined, { schemaUrl });
    stops.push(manager.instrument(operationSpans(tracer, { propagation, content })));
  }
  const stop = (): void => {
    for (const each of stops.splice(0)) each();
  };
  void manager.closed.then(stop);
  return stop;
}
