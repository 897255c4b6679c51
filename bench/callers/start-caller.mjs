// Starts one of the callers in a process of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const runner = fileURLToPath(new URL('./run-caller.mjs', import.meta.url));
const patienceMs = 30_000;

/**
 * Resolves when the caller is connected to the server. `run({ inFlight, ms })` gives what was measured. Both reject when its
 * process ends, and when it does not answer within 30 s, which ends its process. `stop()` resolves when that is gone.
 */
export async function startCaller(module, server, execPath) {
  // Under load Node warns of the bare client's every request: its transport gives each fetch the same AbortSignal.
  const child = fork(runner, [module.href, JSON.stringify(server)], {
    execPath,
    execArgv: ['--no-warnings'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (chunk) => (complaint = (complaint + chunk).slice(-2_000)));
  const exited = once(child, 'exit');
  const failed = exited.then(async ([code, signal]) => {
    // `close` would say when all of it was read, but never comes after `disconnect()` (Node 20).
    await setTimeout(100);
    throw new Error(`its process ended with ${signal ?? code}: ${reasonIn(complaint)}`);
  });
  failed.catch(() => undefined);
  const answered = async () => {
    const inTime = new AbortController();
    setTimeout(patienceMs, undefined, inTime)
      .then(() => child.kill('SIGKILL'))
      .catch(() => undefined);
    try {
      const [answer] = await Promise.race([once(child, 'message'), failed]);
      return answer;
    } finally {
      inTime.abort();
    }
  };
  await answered();
  return {
    run: (run) => {
      child.send(run);
      return answered();
    },
    stop: () => {
      if (child.connected) child.disconnect();
      return exited;
    },
  };
}

/** The line of what a process wrote last that says what was wrong. */
function reasonIn(complaint) {
  const lines = complaint.split('\n').filter((line) => line.trim() !== '');
  return lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}
