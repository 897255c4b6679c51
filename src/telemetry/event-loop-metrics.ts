import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { BatchObservableResult, Meter } from '@opentelemetry/api';

/** How often the loop is looked at, in milliseconds. */
const everyMs = 20;

/** How late this process's own timers are: a process that stalls sees every server as slow. Returns the way to stop. */
export function eventLoopMetrics(meter: Meter): () => void {
  const delay = monitorEventLoopDelay({ resolution: everyMs });
  delay.enable();
  const gauge = (name: string, what: string) =>
    meter.createObservableGauge(name, { unit: 's', description: `${what} since the last collection.` });
  const median = gauge('nodejs.eventloop.delay.p50', 'Median delay of the event loop');
  const tail = gauge('nodejs.eventloop.delay.p99', '99th percentile of the delay of the event loop');
  const longest = gauge('nodejs.eventloop.delay.max', 'Longest delay of the event loop');
  const gauges = [median, tail, longest];

  const observe = (result: BatchObservableResult): void => {
    // Node measures from one look to the next, and says odd things of none at all.
    const seconds = (ns: number): number => (delay.count === 0 ? 0 : Math.max(0, ns / 1e9 - everyMs / 1_000));
    result.observe(median, seconds(delay.percentile(50)));
    result.observe(tail, seconds(delay.percentile(99)));
    result.observe(longest, seconds(delay.max));
    delay.reset();
  };
  meter.addBatchObservableCallback(observe, gauges);
  return () => {
    meter.removeBatchObservableCallback(observe, gauges);
    delay.disable();
  };
}
