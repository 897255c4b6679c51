/** The entry `holdfast/telemetry`: a manager's metrics and spans for OpenTelemetry, and its metrics for Prometheus. */
export { instrumentManager, type TelemetryOptions } from './instrument-manager.ts';
export { prometheusMetrics, type PrometheusMetrics } from './prometheus.ts';
export type { Propagation } from './spans.ts';
