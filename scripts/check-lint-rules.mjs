// Proves that .oxlintrc.json refuses what CONTRIBUTING.md says it refuses: bad snippets in a temporary copy of the
// house, one per rule and one per arrow between rooms, and good ones that must pass.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from './check-house.mjs';

const repo = fileURLToPath(new URL('..', import.meta.url));

const imports = 'eslint(no-restricted-imports)';
const globals = 'eslint(no-restricted-globals)';
const properties = 'eslint(no-restricted-properties)';

/** Who may import what: `values` includes types. A room that is absent from a list is refused to that room. */
const arrows = {
  machines: { values: [], types: ['link'] },
  actors: { values: ['link', 'machines'], types: [] },
  link: { values: [], types: [] },
  errors: { values: [], types: [] },
  secrets: { values: ['errors'], types: [] },
  auth: { values: ['errors'], types: ['link'] },
  config: { values: ['errors'], types: [] },
  validation: { values: [], types: [] },
  host: { values: ['link'], types: ['actors'] },
  manager: { values: ['actors', 'config', 'errors', 'machines', 'secrets'], types: ['link', 'validation'] },
  testing: { values: ['errors', 'link', 'machines'], types: ['actors'] },
  listening: { values: ['errors'], types: [] },
  inspect: { values: ['listening', 'machines', 'manager'], types: [] },
  telemetry: { values: ['machines', 'manager'], types: [] },
  service: { values: ['listening', 'machines', 'manager'], types: [] },
  words: { values: [], types: [] },
  dashboard: { values: ['words'], types: ['service'] },
  gateway: { values: ['machines', 'manager'], types: [] },
  cluster: { values: ['machines', 'manager'], types: [] },
  cli: {
    values: ['auth', 'cluster', 'config', 'dashboard', 'errors', 'gateway', 'inspect', 'service', 'telemetry', 'words'],
    types: [],
  },
};
const rooms = Object.keys(arrows);

const cases = [];
const seen = new Map();
function refuse(folder, refusedBy, ...snippets) {
  for (const code of snippets) add(folder, code, refusedBy);
}
function accept(folder, ...snippets) {
  for (const code of snippets) add(folder, code, null);
}
function add(place, code, refusedBy, times = refusedBy === null ? 0 : 1) {
  const exact = /\.(ts|mjs)$/.test(place);
  const number = (seen.get(place) ?? 0) + 1;
  seen.set(place, number);
  if (exact && number > 1) throw new Error(`${place} is written twice`);
  cases.push({ file: exact ? place : `${place}/case-${number}.ts`, code: `${code}\n`, refusedBy, times });
}

for (const from of rooms) {
  for (const to of rooms) {
    if (from === to) continue;
    const { values, types } = arrows[from];
    const value = values.includes(to);
    const type = value || types.includes(to);
    const up = `../${to}/index.ts`;
    add(`src/${from}`, `export { x } from '${up}';`, value ? null : imports);
    add(`src/${from}`, `import type { X } from '${up}';\nexport type Y = X;`, type ? null : imports);
    add(`src/${from}/nested`, `export { x } from '../${up}';`, value ? null : imports);
    if (!value)
      refuse(`src/${from}`, imports, `export const load = (): Promise<unknown> => import('../${to}/deep/x.ts');`);
  }
  const mayUseIndex = ['cli', 'cluster', 'gateway', 'inspect', 'service', 'telemetry'].includes(from);
  add(`src/${from}`, `export { x } from '../index.ts';`, mayUseIndex ? null : imports);
  accept(`src/${from}`, `export { x } from './neighbour.ts';`);
}

// Of these two files' imports the first ones are right, and two are not.
add(
  'src/manager/default-ports.ts',
  `export { x } from '../host/clock.ts';
export { z } from '../validation/output-validator.ts';
export { y } from '../cli/main.ts';
export { timer } from 'rxjs';`,
  imports,
  2,
);
add(
  'src/manager/rx-time.ts',
  `export { asyncScheduler, auditTime, timer } from 'rxjs';\nexport { x } from '../host/clock.ts';\nexport * from 'rxjs/operators';`,
  imports,
  2,
);
accept('src/manager', `export { LinkError } from '../link/fault.ts';`);
refuse(
  'src/manager',
  imports,
  `export { x } from '../link/tool-hash.ts';`,
  `export { x } from '../link/stdio/fault.ts';`,
);
refuse(
  'src/actors',
  imports,
  `export { x } from '../link/stdio/x.ts';`,
  `export type { X } from '../link/sdk-v1/x.ts';`,
);
refuse('src/cli', imports, `export { x } from '../config/expand.ts';`, `export { x } from '../config/in/index.ts';`);

const sdk = '@modelcontextprotocol/sdk/types.js';
for (const { room, refused, accepted } of [
  { room: 'machines', refused: ['node:fs', 'node:crypto', 'rxjs', 'pino', sdk, 'undici'], accepted: ['xstate'] },
  { room: 'actors', refused: ['node:child_process', 'node:timers', 'rxjs', 'pino', sdk], accepted: ['xstate'] },
  { room: 'link', refused: ['xstate', 'rxjs', 'pino', 'commander'], accepted: ['node:child_process', sdk] },
  { room: 'errors', refused: ['node:util', 'xstate', 'pino'], accepted: [] },
  { room: 'config', refused: ['xstate', 'rxjs', 'pino', sdk], accepted: ['jsonc-parser', 'node:fs/promises'] },
  { room: 'validation', refused: ['node:fs', 'xstate', 'rxjs', sdk], accepted: ['ajv', 'node:worker_threads'] },
  { room: 'host', refused: ['xstate', 'commander', 'rxjs'], accepted: ['node:perf_hooks'] },
  {
    room: 'manager',
    refused: [
      'node:timers/promises',
      'node:perf_hooks',
      'node:process',
      'node:child_process',
      'node:fs',
      'commander',
      sdk,
    ],
    accepted: ['xstate', 'rxjs', 'pino', 'node:util'],
  },
  { room: 'testing', refused: ['pino', 'commander', 'jsonc-parser'], accepted: ['node:http', 'xstate', sdk] },
  { room: 'cli', refused: ['xstate', sdk], accepted: ['commander', 'node:util', 'rxjs'] },
]) {
  for (const name of refused) refuse(`src/${room}`, imports, `export * from '${name}';`);
  for (const name of accepted) accept(`src/${room}`, `export type { X } from '${name}';`);
}

refuse('src/manager', imports, `export { randomUUID } from 'node:crypto';`, `export { timer } from 'rxjs/operators';`);
accept('src/manager', `export { createHash } from 'node:crypto';`, `export { map, Observable } from 'rxjs';`);
for (const operator of [
  'animationFrameScheduler asapScheduler asyncScheduler auditTime bufferTime debounceTime delay interval sampleTime',
  'throttleTime timeInterval timeout timeoutWith timer timestamp windowTime',
].flatMap((line) => line.split(' '))) {
  refuse('src/manager', imports, `import { ${operator} as x } from 'rxjs';\nexport const y = x;`);
}
refuse('src/manager', imports, `import * as rx from 'rxjs';\nexport const y = rx.map;`);

add(
  'src/index.ts',
  `export * from 'xstate';
export * from './actors/ports.ts';
export * from './host/clock.ts';
export * from './machines/session-machine.ts';
export type * from './machines/connection-state.ts';
export type * from './link/link.ts';
export type * from './validation/validator.ts';
export * from './validation/output-validator.ts';
export * from './manager/session-manager.ts';
export * from './errors/holdfast-error.ts';
export * from './secrets/secret-registry.ts';`,
  imports,
  5,
);

for (const room of ['machines', 'actors', 'manager']) {
  refuse(
    `src/${room}`,
    globals,
    ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'].flatMap(
      (name) => [`export const x = ${name};`, `export const x = globalThis.${name};`],
    ),
    'export const x = (): number => Date.now();',
    'export const x = (): Date => new Date();',
    'export const x = (): number => performance.now();',
    'export const x = process.env;',
    `export const x = (): Promise<Response> => fetch('http://localhost');`,
    'export const x = (): string => crypto.randomUUID();',
    'export const x = (): string => globalThis.crypto.randomUUID();',
  );
  refuse(
    `src/${room}`,
    properties,
    'export const x = (): number => Math.random();',
    'export const { random } = Math;',
    'export const x = (): AbortSignal => AbortSignal.timeout(5);',
  );
  accept(
    `src/${room}`,
    'export const x = (clock: { setTimeout(callback: () => void, delayMs: number): unknown }): unknown => clock.setTimeout(() => {}, 5);',
    'export const x = (at: Date): number => at.getTime();',
    'export const x = (signals: AbortSignal[]): AbortSignal => AbortSignal.any(signals);',
  );
}
accept('src/host', 'export const x = (): number => Date.now() + performance.now() + Math.random();');

const kinds = `{ readonly kind: 'a' } | { readonly kind: 'b' }`;
for (const [rule, code] of [
  ['typescript(no-floating-promises)', 'async function f(): Promise<void> {}\nexport function g(): void {\n  f();\n}'],
  ['typescript(no-misused-promises)', 'export const f = (xs: number[]): void => xs.forEach(async () => {});'],
  [
    'typescript(switch-exhaustiveness-check)',
    `export function f(x: ${kinds}): void {\n  switch (x.kind) {\n    case 'a':\n      break;\n  }\n}`,
  ],
  ['typescript(no-explicit-any)', 'export type X = Record<string, any>;'],
  ['typescript(consistent-type-imports)', `import { A } from './case-1.ts';\nexport type X = A;`],
  ['typescript(consistent-type-imports)', `export type X = import('./case-1.ts').A;`],
  ['typescript(no-unsafe-type-assertion)', 'export const f = (x: unknown): string => x as string;'],
  ['typescript(no-non-null-assertion)', 'export const f = (x: string | null): string => x!;'],
  ['typescript(only-throw-error)', `export function f(): never {\n  throw 'no';\n}`],
  ['eslint(no-console)', `console.log('x');`],
  ['import(no-default-export)', 'export default 1;'],
  ['unicorn(prefer-node-protocol)', `export { readFile } from 'fs/promises';`],
]) {
  refuse('src/link', rule, code);
}
add('src/link/cycle-a.ts', `import { b } from './cycle-b.ts';\nexport const a = (): unknown => b;`, 'import(no-cycle)');
add('src/link/cycle-b.ts', `import { a } from './cycle-a.ts';\nexport const b = (): unknown => a;`, 'import(no-cycle)');
add('src/link/CamelCase.ts', 'export const x = 1;', 'unicorn(filename-case)');
add('src/link/stale.ts', '// oxlint-disable-next-line no-console\nexport const x = 1;', 'unused directive');
accept('src/machines', 'export interface C {\n  readonly n: number;\n}\nexport const context = {} as C;');
add('src/cli/print.ts', `console.log('x');`, null);
add('test/focused.test.ts', `import { test } from 'vitest';\ntest.only('x', () => {});`, 'vitest(no-focused-tests)');
add('test/skipped.test.ts', `import { test } from 'vitest';\ntest.skip('x', () => {});`, 'vitest(no-disabled-tests)');

// Real code in the house style: nothing at all may be said about it.
const clean = new Set(['src/machines/clean.ts', 'src/actors/clean.ts', 'src/cli/print.ts', 'test/clean.test.ts']);
add(
  'src/machines/clean.ts',
  `import { assign, setup } from 'xstate';

interface Context {
  readonly failures: number;
}

/** Counts failures and closes on the third. */
export const cleanMachine = setup({
  types: { context: {} as Context, events: {} as { type: 'FAILED' } },
  actions: { 'count failure': assign({ failures: ({ context }) => context.failures + 1 }) },
  guards: { 'has failed enough': ({ context }) => context.failures >= 2 },
}).createMachine({
  context: { failures: 0 },
  initial: 'open',
  states: {
    open: { on: { FAILED: [{ guard: 'has failed enough', target: 'closed' }, { actions: 'count failure' }] } },
    closed: { type: 'final' },
  },
});`,
  null,
);
add(
  'src/actors/clean.ts',
  `import { fromCallback } from 'xstate';
import { cleanMachine } from '../machines/clean.ts';

/** Names the machine after a while. */
export const cleanActor = fromCallback<{ type: 'NAMED' }, { readonly arm: (callback: () => void) => () => void }>(
  ({ input, sendBack }) => input.arm(() => sendBack({ type: 'NAMED', id: cleanMachine.id })),
);`,
  null,
);
add(
  'test/clean.test.ts',
  `import { expect, test } from 'vitest';
import { createActor } from 'xstate';
import { cleanMachine } from '../src/machines/clean.ts';

test('three failures close the machine', () => {
  const actor = createActor(cleanMachine).start();
  for (let n = 0; n < 3; n += 1) actor.send({ type: 'FAILED' });
  expect(actor.getSnapshot().status).toBe('done');
});`,
  null,
);

const complaints = [];
for (const entry of readdirSync(join(repo, 'src'), { withFileTypes: true })) {
  if (entry.isDirectory() && !rooms.includes(entry.name)) {
    complaints.push(`src/${entry.name} is a new room: give it arrows here, in .oxlintrc.json and in CONTRIBUTING.md`);
  }
}

const house = mkdtempSync(join(tmpdir(), 'holdfast-lint-'));
try {
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) cpSync(join(repo, name), join(house, name));
  symlinkSync(join(repo, 'node_modules'), join(house, 'node_modules'), 'dir');
  for (const { file, code } of cases) {
    mkdirSync(dirname(join(house, file)), { recursive: true });
    writeFileSync(join(house, file), code);
  }
  const found = lint(house);
  for (const { file, code, refusedBy, times } of cases) {
    const codes = found.get(file) ?? [];
    const hits = codes.filter((each) => each === refusedBy).length;
    const others = codes.filter(
      (each) => each !== refusedBy && (clean.has(file) || each.startsWith('eslint(no-restricted')),
    );
    if (hits < times || (times > 1 && hits > times) || others.length > 0) {
      const saw = codes.length === 0 ? 'nothing' : codes.join(', ');
      complaints.push(
        `${file}: expected ${refusedBy ?? 'no complaint'}, oxlint said ${saw}\n${code.replace(/^/gm, '    | ')}`,
      );
    }
  }
} finally {
  rmSync(house, { recursive: true, force: true });
}

const houseCases = [
  ['src/manager/a.ts', 'actor.subscribe((snapshot) => seen(snapshot));', 'observe-errors'],
  ['src/manager/a.ts', 'actor.subscribe(onSnapshot);', 'observe-errors'],
  [
    'src/actors/a.ts',
    'self.system.get(id)!\n  .subscribe({ next: (s) => { error(s); }, complete });',
    'observe-errors',
  ],
  ['src/manager/a.ts', 'actor.subscribe({ next, error: (cause) => report(cause) });', null],
  ['src/manager/a.ts', 'actor.subscribe({ next, error });', null],
  ['src/manager/a.ts', 'this.#events$.subscribe((event) => seen(event));', null],
  ['src/manager/a.ts', "source$.pipe(map((x) => x), tap(')')).subscribe((event) => seen(event));", null],
  ['src/manager/a.ts', 'new Observable((subscriber) => source.subscribe(subscriber));', null],
  ['src/manager/a.ts', '// actor.subscribe(fn) would throw', null],
  ['src/machines/a.ts', "spawn(child, { systemId: 'x' });", 'system-id'],
  ['src/machines/a.ts', '// never a systemId', null],
  ['src/manager/a.ts', 'createActor(machine);', 'actor-clock'],
  ['src/manager/a.ts', 'createActor(machine, { input: { a, b } });', 'actor-clock'],
  ['src/manager/a.ts', 'createActor(machine, { input, clock });', null],
  ['src/manager/a.ts', 'createActor(machine, options);', null],
  ['src/manager/a.ts', 'x;\n'.repeat(400), null],
  ['src/manager/a.ts', 'x;\n'.repeat(401), 'file-length'],
  ['src/manager/utils.ts', 'x;', 'dumping-ground'],
  ['test/a.test.ts', 'await new Promise((resolve) => setTimeout(resolve, 50));', 'no-sleep'],
  ['test/a.test.ts', 'await new Promise<void>((done) => { setTimeout(() => done(), 50); });', 'no-sleep'],
  ['test/a.test.ts', 'await new Promise((resolve) => clock.setTimeout(resolve, 50));', null],
  ['test/a.test.ts', "import { setTimeout as wait } from 'node:timers/promises';", 'no-sleep'],
  ['src/link/a.ts', '// oxlint-disable-next-line no-console\nx;', 'reasonless-exception'],
  ['src/link/a.ts', '// oxlint-disable-next-line no-console -- the wire\nx;', null],
];
for (const [path, code, rule] of houseCases) {
  const failures = inspect(path, code).filter(({ level }) => level === 'failure');
  if (failures.map((failure) => failure.rule).join() !== (rule ?? '')) {
    complaints.push(
      `${path}: expected ${rule ?? 'no complaint'} of the house\n${code.slice(0, 200).replace(/^/gm, '    | ')}`,
    );
  }
}

for (const complaint of complaints) console.error(complaint);
const expectations = [...cases.map(({ refusedBy }) => refusedBy), ...houseCases.map(([, , rule]) => rule)];
const refused = expectations.filter((rule) => rule !== null).length;
console.log(
  complaints.length === 0
    ? `lint rules: ${refused} bad snippets refused, ${expectations.length - refused} good ones accepted`
    : `lint rules: ${complaints.length} of ${expectations.length} expectations do not hold`,
);
process.exitCode = complaints.length === 0 ? 0 : 1;

/** File → the rules that complained about it. */
function lint(cwd) {
  const bin = join(repo, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const run = spawnSync(process.execPath, [bin, '--type-aware', '--format', 'json', 'src', 'test'], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (run.error) throw run.error;
  let report;
  try {
    report = JSON.parse(run.stdout);
  } catch (cause) {
    throw new Error(`oxlint gave no report: ${run.stdout.slice(0, 2000)}${run.stderr.slice(0, 2000)}`, { cause });
  }
  const byFile = new Map();
  for (const { filename, code, message } of report.diagnostics) {
    const list = byFile.get(filename) ?? [];
    list.push(code ?? (message.startsWith('Unused oxlint-disable') ? 'unused directive' : message));
    byFile.set(filename, list);
  }
  return byFile;
}
