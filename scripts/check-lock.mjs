// A lock file written against a registry that does not carry other platforms' binaries lacks their entries, and then
// `npm ci` fails everywhere (npm/cli#9342). This finds the gaps; `--fix` fills them, without the integrity it cannot know.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const platform =
  /(?<os>android|darwin|freebsd|linux|openharmony|win32)-(?<cpu>arm64|arm|x64|ia32|ppc64|riscv64|s390x)(?:-(?<abi>\w+))?$/;

const gaps = new Map();
for (const [path, { optionalDependencies = {}, dev, engines }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const homes = [`node_modules/${name}`, `${path}/node_modules/${name}`];
    if (homes.some((home) => home in lock.packages)) continue;
    const { os, cpu, abi } = platform.exec(name)?.groups ?? {};
    gaps.set(homes[0], {
      version,
      ...(cpu && { cpu: [cpu] }),
      ...(dev && { dev }),
      ...(os === 'linux' && cpu !== 'arm' && abi && { libc: [abi === 'musl' ? 'musl' : 'glibc'] }),
      optional: true,
      ...(os && { os: [os] }),
      ...(engines && { engines }),
    });
  }
}

if (process.argv.includes('--fix')) {
  const entries = [...Object.entries(lock.packages), ...gaps].toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(entries);
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`lock file: ${gaps.size} entries added`);
} else if (gaps.size > 0) {
  console.error(`lock file: no entry for ${[...gaps.keys()].join(', ')}`);
  console.error(`${gaps.size} gaps: npm ci will fail; mend them with \`node scripts/check-lock.mjs --fix\``);
  process.exitCode = 1;
} else {
  console.log('lock file: complete');
}
