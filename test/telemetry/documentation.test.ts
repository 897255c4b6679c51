import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rowsUnder } from '../docs/doc-tables.ts';
import type { TelemetryOptions } from '../../src/telemetry/index.ts';
import { everyMetric } from './every-metric.ts';

const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'observability.md'), 'utf8');
const byName = ([one = '']: readonly string[], [other = '']: readonly string[]) => (one < other ? -1 : 1);

it('every metric that is told is in the table, with its name in Prometheus, type, unit, labels and meaning, and no other', async () => {
  const emitted = await everyMetric();
  const inPrometheus = [...emitted.text.matchAll(/^# TYPE (\S+) (\S+)$/gmu)];
  const rows = emitted.metrics.map(({ name, unit, description, series }) => {
    const labels = new Set(series.flatMap(([attributes]) => Object.keys(attributes)));
    const [, told = '', type = ''] =
      inPrometheus.find(([, each]) => each?.replace(/_total$/, '') === name.replaceAll('.', '_')) ?? [];
    return [name, told, type, unit, [...labels].toSorted().join(', '), description];
  });
  expect(rowsUnder(text, 'metric').toSorted(byName)).toEqual(rows.toSorted(byName));
});

it('the options are all there', () => {
  const options = { meterProvider: 0, tracerProvider: 0, propagation: 0, content: 0 } satisfies Record<
    keyof TelemetryOptions,
    0
  >;
  expect(rowsUnder(text, 'option').map(([name]) => name)).toEqual(Object.keys(options));
});
