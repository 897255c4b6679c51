import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { killGroupNow } from './process-group.ts';

/** The hold that one session has on the guardian. */
export interface GroupLease {
  /** Puts a process group under guard. To be called in the same tick as the spawn. */
  guard(pgid: number): void;
  /** Lets go, once the group is gone. Resolves when nothing of the guardian remains, if this was the last lease. Repeats do nothing. */
  release(): Promise<void>;
}

// dash knows `kill -s KILL`, but takes `kill -KILL --` for an error.
const SCRIPT = `
trap '' INT TERM HUP
groups=' '
while read -r line; do
  pgid=\${line#?}
  case $line in
    +*) groups="$groups$pgid " ;;
    -*) case $groups in *" $pgid "*) groups="\${groups%%" $pgid "*} \${groups#*" $pgid "}" ;; esac ;;
  esac
done
for pgid in $groups; do kill -s KILL -- "-$pgid"; done
`;

/** A guardian that dies sooner than this is not replaced until the next session asks for one. */
const SHORT_LIFE_MS = 1000;

/**
 * Lets no server outlive us, however we die, and without signal handlers in a process that is not ours.
 *
 * One detached `/bin/sh` per process is told every group that we start. When its stdin ends without a goodbye (a default
 * SIGTERM, an abort, kill -9), it kills the groups that are left. A synchronous `exit` handler does the same for `process.exit`
 * and an uncaught throw, and is all there is where `/bin/sh` cannot be started. Both exist only while a lease is out,
 * and neither keeps the event loop alive.
 *
 * One gap remains: kill -9 in the microseconds between the fork of a server and the line that names its group.
 */
export class Guardian {
  readonly #shell: string;
  readonly #leases = new Set<object>();
  readonly #groups = new Set<number>();
  #process: ChildProcess | null = null;

  constructor(shell = '/bin/sh') {
    this.#shell = shell;
  }

  /** Process id of the shell, null while there is none. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Takes a lease, before the spawn: the shell then runs already when the group comes to be. Never throws. */
  open(): GroupLease {
    const lease = new Set<number>();
    if (this.#leases.size === 0) process.on('exit', this.#killGroups);
    this.#leases.add(lease);
    this.#ensureProcess();
    return {
      guard: (pgid) => {
        if (!this.#leases.has(lease)) return;
        lease.add(pgid);
        this.#groups.add(pgid);
        this.#tell(`+${pgid}\n`);
      },
      release: async () => {
        if (!this.#leases.delete(lease)) return;
        for (const pgid of lease) {
          this.#groups.delete(pgid);
          this.#tell(`-${pgid}\n`);
        }
        if (this.#leases.size === 0) await this.#end();
      },
    };
  }

  readonly #killGroups = (): void => {
    for (const pgid of this.#groups) killGroupNow(pgid);
  };

  #tell(line: string): void {
    // A pipe write is tried at once, synchronously: the line is with the kernel before this returns.
    this.#process?.stdin?.write(line);
  }

  #ensureProcess(): void {
    if (this.#process !== null || process.platform === 'win32') return;
    const shell = this.#spawn();
    if (shell?.pid === undefined) return;
    this.#process = shell;
    for (const pgid of this.#groups) this.#tell(`+${pgid}\n`);
  }

  #spawn(): ChildProcess | null {
    try {
      const startedAt = performance.now();
      const shell = spawn(this.#shell, ['-c', SCRIPT], {
        cwd: '/',
        env: {},
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      });
      shell.on('error', () => {}); // No shell: the exit handler is what remains.
      shell.stdin.on('error', () => {}); // EPIPE: its exit is dealt with below.
      shell.on('exit', () => this.#exited(shell, performance.now() - startedAt));
      shell.unref();
      if (shell.stdin instanceof Socket) shell.stdin.unref();
      return shell;
    } catch {
      return null; // As for a missing shell; the next lease tries again.
    }
  }

  #exited(shell: ChildProcess, lifeMs: number): void {
    if (this.#process !== shell) return;
    this.#process = null;
    if (this.#leases.size > 0 && lifeMs >= SHORT_LIFE_MS) this.#ensureProcess();
  }

  async #end(): Promise<void> {
    process.off('exit', this.#killGroups);
    const shell = this.#process;
    this.#process = null;
    if (shell === null || shell.exitCode !== null || shell.signalCode !== null) return;
    // Nothing is under guard any more, so it may be killed: at once, even when it is stopped. Its handle is held until then,
    // or a process with nothing else to do would end with this promise pending.
    shell.ref();
    const exited = new Promise((resolve) => shell.once('exit', resolve));
    shell.kill('SIGKILL');
    await exited;
    shell.stdin?.destroy();
  }
}

/** The guardian of this process. */
export const guardian = new Guardian();
