/**
 * A configuration can say where a server behind HTTP is, but not start one. Loaded before the command, this does:
 *
 *   node --import ./examples/with-http-server.mjs dist/cli/main.js up examples/servers.json
 *
 * It starts http-server.mjs, starts it again when somebody kills it, and ends it with us. EVERYTHING_PORT names its port.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';

const restartMs = 1000;
let server;

/** Resolves to the port once the server listens, or to undefined when it ends before. */
function start(port) {
  return new Promise((resolve) => {
    let listensOn;
    server = fork(join(import.meta.dirname, 'http-server.mjs'), {
      // It offers its environment to whoever asks: ours is none of their business.
      env: { PORT: String(port ?? 0) },
      execArgv: [],
      // In a process group of its own Ctrl-C does not reach it: it is there until everything has drained.
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const { pid } = server;
    server.once('message', (message) => {
      listensOn = message.port;
      console.error(
        `http server: pid ${pid}, http://127.0.0.1:${listensOn}/mcp; kill -9 ${pid} and it is back after 1 s`,
      );
      resolve(listensOn);
    });
    server.once('error', (error) => {
      console.error(`http server: it cannot be started (${error.code})`);
      resolve(undefined);
    });
    server.once('exit', (code, signal) => {
      console.error(`http server: pid ${pid} is gone (${signal ?? `exit code ${code}`})`);
      resolve(undefined);
      const again = listensOn ?? port;
      if (again !== undefined) setTimeout(() => void start(again), restartMs);
    });
  });
}

process.on('exit', () => server.kill('SIGKILL'));
const port = await start();
if (port !== undefined) process.env.EVERYTHING_PORT = String(port);
