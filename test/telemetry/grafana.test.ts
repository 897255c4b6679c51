import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { everyMetric } from './every-metric.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'grafana');
const dashboard: unknown = JSON.parse(readFileSync(join(folder, 'holdfast-dashboard.json'), 'utf8'));
const alerts: unknown = parse(readFileSync(join(folder, 'holdfast-alerts.yaml'), 'utf8'));

/** What Prometheus adds to every series. */
const ofPrometheus = ['instance', 'job', 'le'];

/** The labels of each series that is told, by the name of the series. */
let labelsOf: Map<string, Set<string>>;
let allLabels: Set<string>;

beforeEach(async () => {
  const { text } = await everyMetric();
  labelsOf = new Map();
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z]\w*)(?:\{(.*)\})? \S+$/gmu)) {
    const known = labelsOf.get(name) ?? new Set(ofPrometheus);
    for (const [, label = ''] of labels.matchAll(/(\w+)="/gu)) known.add(label);
    labelsOf.set(name, known);
  }
  allLabels = new Set([...labelsOf.values()].flatMap((labels) => [...labels]));
});

describe('the dashboard', () => {
  it('asks only for metrics and labels that are told', () => {
    const asked = textsAt(dashboard, 'expr');
    const variables = textsAt(dashboard, 'definition').map((text) =>
      text.replace(/^label_values\((\w+), (\w+)\)$/u, 'sum by ($2) ($1)'),
    );
    expect(asked.length).toBeGreaterThan(40);
    expect(variables.length).toBe(2);
    expect([...asked, ...variables].flatMap(unknownIn)).toEqual([]);
  });

  it('shows labels in its legends only by names that are told', () => {
    const shown = textsAt(dashboard, 'legendFormat').flatMap((text) =>
      [...text.matchAll(/\{\{(\w+)\}\}/gu)].map(([, name = '']) => name),
    );
    expect(shown.filter((name) => !allLabels.has(name))).toEqual([]);
  });

  it('shows every metric that is told', () => {
    const asked = textsAt(dashboard, 'expr').join('\n');
    const unseen = [...labelsOf.keys()].filter((name) => !asked.includes(name.replace(/_(?:bucket|count|sum)$/u, '')));
    expect(unseen).toEqual([]);
  });

  it('says of every panel what it shows, and has no two with one id', () => {
    const { panels } = dashboard as { panels: { id: number; type: string; title: string; description?: string }[] };
    expect(panels.filter(({ type, description }) => type !== 'row' && !description).map(({ title }) => title)).toEqual(
      [],
    );
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  });
});

describe('the alert rules', () => {
  const rules = (alerts as { groups: { rules: Record<string, unknown>[] }[] }).groups.flatMap((group) => group.rules);

  it('ask only for metrics and labels that are told', () => {
    expect(textsAt(alerts, 'expr').flatMap(unknownIn)).toEqual([]);
  });

  it('have a name each, a severity and a summary whose labels are told', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const rule of rules) {
      expect(rule).toMatchObject({
        alert: expect.stringMatching(/^Holdfast[A-Z]\w+$/u),
        labels: { severity: expect.stringMatching(/^(?:critical|warning|info)$/u) },
        annotations: { summary: expect.stringMatching(/\w/u) },
      });
    }
    const shown = [...JSON.stringify(rules).matchAll(/\$labels\.(\w+)/gu)].map(([, name = '']) => name);
    expect(shown.filter((name) => !allLabels.has(name))).toEqual([]);
  });
});

it('a name that is told by nobody is found', () => {
  expect(unknownIn('sum by (holdfast_server_name) (rate(holdfast_nothing_total{le="1"}[5m]))')).toEqual([
    'holdfast_nothing_total',
    'holdfast_server_name',
  ]);
  expect(unknownIn('holdfast_sessions{holdfast_server_id="a"}')).toEqual(['holdfast_server_id of holdfast_sessions']);
});

/** Every metric in this expression that is not told, and every label that it asks of a metric that has none of that name. */
function unknownIn(expression: string): string[] {
  const unknown: string[] = [];
  const withoutSelectors = expression.replaceAll(/(\w+)\{([^}]*)\}/gu, (_, name: string, matchers: string) => {
    const labels = labelsOf.get(name);
    if (labels === undefined) unknown.push(name);
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=|!)/gu)) {
      if (labels?.has(label) === false) unknown.push(`${label} of ${name}`);
    }
    return '';
  });
  const rest = withoutSelectors.replaceAll(/\b(?:by|on|ignoring|without) \(([^)]*)\)/gu, (_, labels: string) => {
    unknown.push(...labels.split(/,\s*/u).filter((label) => !allLabels.has(label)));
    return '';
  });
  for (const [name] of rest.matchAll(/\b(?:holdfast|mcp|nodejs)_\w+/gu)) if (!labelsOf.has(name)) unknown.push(name);
  return unknown;
}

/** The strings under this key, wherever it is. */
function textsAt(value: unknown, key: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([each, inner]: [string, unknown]) =>
    each === key && typeof inner === 'string' ? [inner] : textsAt(inner, key),
  );
}
