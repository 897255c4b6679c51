import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');
const cache = join(root, 'node_modules', '.cache', 'holdfast-test');
const HOUR_MS = 60 * 60 * 1000;

/**
 * The path of `src/` compiled to JavaScript, for tests that need a plain Node process: it cannot run TypeScript.
 *
 * Compiled once for each state of the sources and shared by all test files, however they run: the result is moved into place
 * under the hash of what it was made from. Types are not checked here, that is the work of `npm run typecheck`.
 */
export async function built(): Promise<string> {
  const path = join(cache, await sourceHash());
  if (existsSync(path)) return path;
  await mkdir(cache, { recursive: true });
  await dropOldBuilds();
  const work = `${path}.${process.pid}`;
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  await promisify(execFile)(tsc, ['-p', 'tsconfig.build.json', '--noCheck', '--outDir', work], { cwd: root });
  await rename(work, path).catch(async (error: unknown) => {
    if (!existsSync(path)) throw error;
    await rm(work, { recursive: true }); // Another test file was faster.
  });
  return path;
}

async function sourceHash(): Promise<string> {
  const hash = createHash('sha256');
  const source = join(root, 'src');
  const names = (await readdir(source, { recursive: true })).filter((name) => name.endsWith('.ts')).toSorted();
  for (const name of names) hash.update(name).update(await readFile(join(source, name)));
  return hash.digest('hex').slice(0, 16);
}

async function dropOldBuilds(): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > HOUR_MS) await rm(path, { recursive: true, force: true });
  }
}
