// Checks of results against output schemas: at once, for a simple schema, and on the worker thread, with its start.
import { performance } from 'node:perf_hooks';
import { hostClock } from '../dist/host/clock.js';
import { createOutputValidator } from '../dist/validation/output-validator.js';

const schema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    name: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
    status: { enum: ['open', 'closed'] },
    owner: { anyOf: [{ type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] }, { type: 'null' }] },
  },
  required: ['id', 'name'],
  additionalProperties: false,
};
const value = { id: 1, name: 'a name', tags: ['a', 'b', 'c'], status: 'open', owner: null };
const request = { server: 'server', key: 'simple', schema, value };
const onWorker = {
  ...request,
  key: 'pattern',
  schema: { ...schema, properties: { ...schema.properties, name: { type: 'string', pattern: '^a' } } },
};
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

const validator = createOutputValidator({ clock: hostClock });

const batches = Array.from({ length: 50 }, () => {
  const began = performance.now();
  for (let n = 0; n < 2_000; n += 1) void validator.check(request);
  return ((performance.now() - began) / 2_000) * 1_000;
});
console.log(`at once: ${median(batches).toFixed(2)} µs a check, median of 50 batches of 2 000`);

const schemas = Array.from({ length: 1_000 }, (_, n) => ({ ...request, key: `simple ${n}` }));
let began = performance.now();
for (const each of schemas) void validator.check(each);
console.log(
  `at once, the first check of a schema: ${(((performance.now() - began) / schemas.length) * 1_000).toFixed(1)} µs`,
);

const rows = { ...request, key: 'rows', schema: { type: 'array', items: schema } };
const many = Array.from({ length: 1_000 }, () => value);
const walks = Array.from({ length: 20 }, () => {
  began = performance.now();
  const verdict = validator.check({ ...rows, value: many });
  if (verdict.kind !== 'valid') throw new Error('the rows do not fit into the budget of one walk');
  return performance.now() - began;
});
console.log(`at once, 1 000 rows: ${median(walks).toFixed(2)} ms, longest ${Math.max(...walks).toFixed(2)} ms`);

began = performance.now();
await validator.check(onWorker);
console.log(`worker: ${(performance.now() - began).toFixed(0)} ms for the first check, with its start`);

const trips = [];
for (let n = 0; n < 2_000; n += 1) {
  began = performance.now();
  await validator.check(onWorker);
  trips.push((performance.now() - began) * 1_000);
}
console.log(`worker: ${median(trips).toFixed(0)} µs a check, median of ${trips.length}, one after another`);

began = performance.now();
await validator.check({ ...onWorker, key: 'redos', schema: { pattern: '^(a+)+$' }, value: `${'a'.repeat(40)}!` });
console.log(`worker: ${(performance.now() - began).toFixed(0)} ms for a check that would take minutes (deadline 250)`);
began = performance.now();
await validator.check(onWorker);
console.log(`worker: ${(performance.now() - began).toFixed(0)} ms for the check after it, with a new worker`);
await validator.close();
