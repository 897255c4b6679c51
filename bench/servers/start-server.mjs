// Starts one of the servers of this folder in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Resolves when the server listens. `stop()` and `kill()` resolve when its process is gone. */
export async function startServer(file, ...args) {
  const child = spawn(process.execPath, [fileURLToPath(file), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [url] = await Promise.race([
    once(lines, 'line'),
    exited.then(([code]) => {
      throw new Error(`${file} exited with ${code} before it listened`);
    }),
  ]);
  return {
    url,
    pid: child.pid,
    kill: () => {
      child.kill('SIGKILL');
      return exited;
    },
    stop: () => {
      child.stdin.end();
      return exited;
    },
  };
}
