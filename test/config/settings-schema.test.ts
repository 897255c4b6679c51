import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { configSchema } from '../../src/config/index.ts';
import { leaves } from '../docs/doc-tables.ts';
import { defaultGroupPolicy } from '../../src/machines/group-policy.ts';
import { resolveServerOptions } from '../../src/manager/server-options.ts';
import { loadText } from './config-fixture.ts';

const root = join(import.meta.dirname, '..', '..');
const schema = configSchema();
const isValid = new Ajv2020({ strict: true, allErrors: true }).compile(schema);

interface Described {
  readonly properties?: Readonly<Record<string, Described>>;
  readonly description?: string;
  readonly default?: unknown;
}

/** Every setting by its path. */
function settings({ properties = {} }: Described, prefix = ''): [string, Described][] {
  return Object.entries(properties).flatMap(([name, each]) =>
    each.properties === undefined ? [[`${prefix}${name}`, each]] : settings(each, `${prefix}${name}.`),
  );
}

it('is published as docs/holdfast.schema.json', () => {
  expect(JSON.parse(readFileSync(join(root, 'docs', 'holdfast.schema.json'), 'utf8'))).toEqual(schema);
});

it('describes every setting, with the default that is in force', () => {
  const { server, group } = schema['$defs'] as Readonly<Record<string, Described>>;
  const all = [...settings(server!), ...settings(group!)];
  expect(all.filter(([, { description }]) => description === undefined).map(([name]) => name)).toEqual([]);
  const {
    handlers: _handlers,
    waitForReady: _wait,
    tools: _tools,
    connectTimeoutMs: _time,
    ...data
  } = resolveServerOptions({}, {});
  const given = Object.fromEntries(all.flatMap(([name, each]) => ('default' in each ? [[name, each.default]] : [])));
  expect(given).toEqual({ ...leaves(data), ...defaultGroupPolicy });
});

const anything = fc.oneof(
  fc.constantFrom('auto', 'warn', 'safe', 'never', 'block', 'manual', 'a', 'b', '', true, false, null),
  fc.integer({ min: -2, max: 3_000_000_000 }),
  fc.double({ min: -1, max: 101, noNaN: true }),
  fc.constant([]),
  fc.constant({}),
);
const names = settings((schema['$defs'] as Readonly<Record<string, Described>>)['server']!).map(([name]) => name);
const settingOf = fc.tuple(fc.constantFrom(...names, 'lazyy', 'retry.typo', 'tools.order.retry'), anything);

/** `{ 'a.b': 1 }` as `{ a: { b: 1 } }`. */
function nested(path: string, value: unknown): object {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as object;
}

it('accepts what the loader accepts, and nothing else, setting by setting', async () => {
  await fc.assert(
    fc.asyncProperty(settingOf, fc.constantFrom('defaults', 'servers'), async ([path, value], where) => {
      const own = nested(path, value);
      const holdfast = where === 'defaults' ? { defaults: own } : { servers: { a: own } };
      const file = { mcpServers: { a: { command: 'x' } }, holdfast };
      const { problems } = await loadText(JSON.stringify(file));
      // That one of two settings is at least the other is more than a schema can say.
      const others = problems.filter(({ problem }) => !/ must be at (?:most|least) \w+ \(/u.test(problem));
      expect(isValid(file)).toBe(others.length === 0);
    }),
    { numRuns: 2_000 },
  );
});

it('accepts groups and extended files as the loader does', () => {
  const group = { primary: 'a', backups: ['b'] };
  const verdicts = [
    { extends: 'a.json' },
    { extends: ['a.json'], holdfast: { groups: { pair: { ...group, failback: 'never', failoverThreshold: 2 } } } },
    { mcpServers: {}, theirs: 7 },
    { extends: 7 },
    { holdfast: { groups: { pair: { primary: 'a' } } } },
    { holdfast: { groups: { pair: { ...group, backups: [] } } } },
    { holdfast: { groups: { pair: { ...group, typo: 1 } } } },
    { holdfast: { typo: {} } },
    { holdfast: 7 },
  ].map((file) => isValid(file));
  expect(verdicts).toEqual([true, true, true, false, false, false, false, false, false]);
});
