import type { Attributes } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { afterEach } from 'vitest';
import { instrumentManager, type TelemetryOptions } from '../../src/telemetry/index.ts';
import type { SessionManager } from '../../src/index.ts';

/** One series of a metric: what it is told apart by, and its value; of a histogram its count and its sum. */
export type Series = readonly [attributes: Attributes, value: unknown];

export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  /** `counter`, `gauge`, `histogram` or `updown`. */
  readonly kind: string;
  readonly series: readonly Series[];
}

export interface Telemetry {
  readonly stop: () => void;
  /** All metrics at this moment. */
  metrics(): Promise<readonly Metric[]>;
  /** The series of one metric; none when there is no such metric. */
  series(name: string): Promise<readonly Series[]>;
  /** All spans that have ended since this was last asked. */
  spans(): readonly ReadableSpan[];
}

const opened: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

/** Instruments the manager with providers of its own, which keep all in memory. */
export function telemetryOf(manager: SessionManager, options: TelemetryOptions = {}): Telemetry {
  const reader = new Reader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  const spanExporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] });
  const stop = instrumentManager(manager, { meterProvider, tracerProvider, ...options });
  opened.push(async () => {
    stop();
    await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()]);
  });

  const metrics = async (): Promise<readonly Metric[]> => {
    const { resourceMetrics } = await reader.collect();
    return resourceMetrics.scopeMetrics.flatMap((scope) =>
      scope.metrics.map((metric): Metric => {
        const { name, unit, description } = metric.descriptor;
        const isSum = 'isMonotonic' in metric;
        const isHistogram = metric.dataPoints.some(({ value }) => typeof value === 'object');
        return {
          name,
          unit,
          description,
          kind: isHistogram ? 'histogram' : isSum ? (metric.isMonotonic ? 'counter' : 'updown') : 'gauge',
          series: metric.dataPoints.map(({ attributes, value }): Series => [
            attributes,
            typeof value === 'object' ? { count: value.count, sum: 'sum' in value ? value.sum : undefined } : value,
          ]),
        };
      }),
    );
  };
  return {
    stop,
    metrics,
    series: async (name) => (await metrics()).find((metric) => metric.name === name)?.series ?? [],
    spans() {
      const spans = spanExporter.getFinishedSpans();
      spanExporter.reset();
      return spans;
    },
  };
}

class Reader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}
