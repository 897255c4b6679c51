// Starts a client that does one thing at a time in a process of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const runner = fileURLToPath(new URL('./run-calls.mjs', import.meta.url));

/**
 * Resolves when the client is connected to the servers, or could not be: `opened` is `{ text, ms }` or `{ error, ms }`, and so is what
 * `call(name)` and `close()` resolve to; what takes longer than `patienceMs` is an error. `stop()` ends its process, however it is.
 */
export async function startClient(module, servers, execPath, patienceMs = 10_000) {
  const child = fork(runner, [module.href, JSON.stringify(servers)], {
    execPath,
    execArgv: ['--no-warnings'],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const exited = once(child, 'exit');
  const told = async () => {
    const late = new AbortController();
    const end = await Promise.race([
      once(child, 'message').then(([message]) => message),
      exited.then(() => ({ error: 'its process ended', ms: 0 })),
      wait(patienceMs, { error: `nothing within ${patienceMs / 1_000} s`, ms: patienceMs }, { signal: late.signal }),
    ]);
    late.abort();
    return end;
  };
  const ask = (what) => {
    if (child.connected) child.send(what);
    return told();
  };
  return {
    opened: await told(),
    call: (name) => ask({ call: name }),
    close: () => ask({ close: true }),
    stop: async () => {
      if (child.connected) child.disconnect();
      const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await exited;
      clearTimeout(late);
    },
  };
}
