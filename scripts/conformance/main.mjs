// npm run conformance -- [--driver v1|v2|default] [--revision 2025-11-25|2026-07-28] [--scenario name] [--cache folder] [--json]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';

const packages = ['@modelcontextprotocol/conformance@0.2.0-alpha.12', 'node@22'];
/** How long one scenario may take. */
const scenarioLimitMs = 60_000;
/** The runs there are, and how many of the required scenarios each has to pass at least. */
const runs = [
  { revision: '2025-11-25', driver: 'v1', least: 18 },
  { revision: '2025-11-25', driver: 'v2', least: 18 },
  { revision: '2025-11-25', driver: 'default', least: 18 },
  { revision: '2026-07-28', driver: 'v2', least: 32 },
  { revision: '2026-07-28', driver: 'default', least: 32 },
];

const { values } = parseArgs({
  options: {
    driver: { type: 'string', multiple: true, default: ['v1', 'v2'] },
    revision: { type: 'string' },
    scenario: { type: 'string' },
    cache: { type: 'string', default: join(tmpdir(), 'holdfast-conformance') },
    json: { type: 'boolean', default: false },
  },
});

const chosen = runs.filter(
  ({ revision, driver }) => values.driver.includes(driver) && (values.revision ?? revision) === revision,
);
if (chosen.length === 0) throw new Error('No run has that driver and that revision.');

prepare(values.cache);
const suite = join(values.cache, 'node_modules/@modelcontextprotocol/conformance');
const client = fileURLToPath(new URL('client.mjs', import.meta.url));
const results = [];
for (const { revision, driver, least } of chosen) {
  const { client: required } = parse(readFileSync(join(suite, `requirements/${revision}.yaml`), 'utf8'));
  const scenarios = required.filter((name) => (values.scenario ?? name) === name);
  if (scenarios.length === 0) throw new Error(`${revision} does not require a scenario ${values.scenario}.`);
  const outcomes = scenarios.map((scenario) => runScenario(scenario, revision, driver));
  const passed = outcomes.filter(({ isPassed }) => isPassed).length;
  const gate = values.scenario === undefined ? least : scenarios.length;
  results.push({ revision, driver, passed, required: scenarios.length, isEnough: passed >= gate, outcomes });
}
process.stdout.write(`${values.json ? JSON.stringify(results) : tableOf(results)}\n`);
process.exitCode = results.every(({ isEnough }) => isEnough) ? 0 : 1;

/** Installs the suite into a folder of its own, so that neither it nor its Node is part of our lockfile. */
function prepare(folder) {
  const isThere = ['@modelcontextprotocol/conformance/package.json', 'node/bin/node'].every((path) =>
    existsSync(join(folder, 'node_modules', path)),
  );
  if (isThere) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', ...packages], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) throw new Error(`npm could not install ${packages.join(' and ')} into ${folder}.`);
}

function runScenario(scenario, revision, driver) {
  const output = mkdtempSync(join(tmpdir(), 'holdfast-conformance-run-'));
  try {
    const { status } = spawnSync(
      join(values.cache, 'node_modules/node/bin/node'),
      [
        join(suite, 'dist/index.js'),
        'client',
        '--command',
        `${process.execPath} ${client} ${driver}`,
        '--scenario',
        scenario,
        '--spec-version',
        revision,
        '--timeout',
        String(scenarioLimitMs),
        '--output-dir',
        output,
      ],
      { stdio: 'ignore' },
    );
    const isPassed = status === 0;
    process.stderr.write(`${isPassed ? 'passed' : 'FAILED'}  ${revision} ${driver} ${scenario}\n`);
    return { scenario, isPassed, reason: isPassed ? null : reasonIn(output) };
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

/** The first failed check that the runner tells of, else the last thing that the client said. */
function reasonIn(output) {
  const checks = filesNamed(output, 'checks.json').flatMap((text) => JSON.parse(text));
  const failed = checks.find(({ status }) => status === 'FAILURE') ?? checks.find(({ status }) => status === 'WARNING');
  if (failed !== undefined) return `${failed.id}: ${oneLine(failed.errorMessage ?? failed.description)}`;
  const said = filesNamed(output, 'stderr.txt').join('').trim().split('\n').at(-1);
  return oneLine(said || 'the client ended without a word');
}

function filesNamed(folder, name) {
  return readdirSync(folder, { recursive: true })
    .filter((path) => path.endsWith(name))
    .map((path) => readFileSync(join(folder, path), 'utf8'));
}

function oneLine(text) {
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}

function tableOf(all) {
  const names = [...new Set(all.flatMap(({ outcomes }) => outcomes.map(({ scenario }) => scenario)))];
  const mark = (run, name) => {
    const outcome = run.outcomes.find(({ scenario }) => scenario === name);
    if (outcome === undefined) return '–';
    return outcome.isPassed ? 'passed' : 'FAILED';
  };
  const row = (cells) => `| ${cells.join(' | ')} |`;
  return [
    row(['scenario', ...all.map(({ revision, driver }) => `${revision} ${driver}`)]),
    row(['---', ...all.map(() => '---')]),
    ...names.map((name) => row([name, ...all.map((run) => mark(run, name))])),
    '',
    ...all.map(({ revision, driver, passed, required }) => `${revision}: ${driver} ${passed}/${required}`),
    ...all.flatMap(({ revision, driver, outcomes }) =>
      outcomes
        .filter(({ isPassed }) => !isPassed)
        .map(({ scenario, reason }) => `${revision} ${driver} ${scenario}: ${reason}`),
    ),
  ].join('\n');
}
