import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { AggregationTemporality, InstrumentType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { SessionManager } from '../index.ts';
import { instrumentManager } from './instrument-manager.ts';

/** So many servers, or combinations of names, are told apart in one metric. */
const mostSeries = 50_000;

/** The metrics of one manager for Prometheus to scrape. */
export interface PrometheusMetrics {
  /** Everything at this moment, in Prometheus' text format 0.0.4. Rejects after `close`. */
  text(): Promise<string>;
  /** Stops counting, and frees what was counted. A repeat does nothing. */
  close(): Promise<void>;
}

/**
 * Counts what this manager does, from now on, for Prometheus: put `text()` behind a route of your own. No spans, no global provider, no
 * server. It stops counting when the manager is closed, and can be asked until `close`.
 */
export function prometheusMetrics(manager: SessionManager): PrometheusMetrics {
  const reader = new ScrapeReader({
    // A gauge tells what is observed now, so that servers that were removed are gone from it; counts are never forgotten.
    aggregationTemporalitySelector: (type) =>
      type === InstrumentType.OBSERVABLE_GAUGE ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    cardinalitySelector: () => mostSeries,
  });
  const provider = new MeterProvider({ readers: [reader] });
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  const stop = instrumentManager(manager, { meterProvider: provider, tracerProvider: null });
  let scraping: Promise<string> | undefined;
  let closing: Promise<void> | undefined;

  const scrape = async (): Promise<string> => {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) throw new AggregateError(errors, 'some of the metrics could not be collected');
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the exporter brings another patch of the same SDK
    return serializer.serialize(resourceMetrics);
  };
  return {
    // Two at once would each take a part of what is observed.
    text: () =>
      (scraping ??= scrape().finally(() => {
        scraping = undefined;
      })),
    close: () => {
      stop();
      return (closing ??= provider.shutdown());
    },
  };
}

class ScrapeReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}
