import { resolve } from 'node:path';
import { findConfigFile } from '../config/index.ts';
import type { SessionManager } from '../index.ts';
import { startService } from '../service/index.ts';
import { hold, managerFor } from './hold.ts';
import { exitCode } from './exit-codes.ts';
import type { LogThreshold } from './log-thresholds.ts';
import { readPlan, tellProblems } from './read-plan.ts';
import { withProgress } from './progress.ts';
import type { PlanSource } from './read-plan.ts';
import { readWord, runtimeFileOf } from './runtime-file.ts';
import { ServiceClient } from './service-client.ts';
import { hasServers, narrowed, nothingToHold } from './up-plan.ts';
import type { StderrLines } from './stderr-lines.ts';

export interface ActRequest extends PlanSource {
  readonly logLevel: LogThreshold;
  /** How long servers may take to become ready where none is running, in milliseconds. Default 30 000. */
  readonly timeoutMs: number | undefined;
  /** The servers that are needed, where no `up` runs; undefined: all. */
  readonly only: readonly string[] | undefined;
}

/** What a command acts on. */
export interface Holding {
  readonly client: ServiceClient;
  /** True for an `up` that runs anyway; else the servers were started for this command, and are stopped after it. */
  readonly isAttached: boolean;
}

/**
 * Acts on the servers of a configuration: those that a running `up` holds, else on servers that are started for it and let go of afterwards.
 * Both over the service, so that it makes no difference. Resolves to the exit code of `act`, or to that of what kept it from acting.
 */
export async function withService(
  request: ActRequest,
  stderr: StderrLines,
  act: (holding: Holding) => Promise<number>,
): Promise<number> {
  const attached = request.command === undefined ? await attach(request.files) : undefined;
  if (attached !== undefined) return act({ client: attached, isAttached: true });
  const whole = await readPlan(request, request.logLevel, stderr);
  if (whole === undefined) return exitCode.usage;
  const plan = request.only === undefined ? whole : narrowed(whole, request.only);
  if (!hasServers(plan)) {
    if (!hasServers(whole)) stderr.line(nothingToHold(whole));
    else stderr.line(`${whole.title}: there is no server or group ${JSON.stringify(request.only?.[0] ?? '')} in it`);
    return exitCode.usage;
  }
  const { manager } = managerFor({ logLevel: request.logLevel, drainMs: 5000 }, stderr);
  try {
    const { held, problems } = await hold(manager, plan.wanted);
    tellProblems(problems, stderr);
    await whenReady(manager, held.servers, stderr, request.timeoutMs);
    const service = await startService(manager, { port: 0, title: plan.title });
    service.setProblems([...plan.wanted.problems, ...problems]);
    try {
      return await act({ client: new ServiceClient(service), isAttached: false });
    } finally {
      await service.close();
    }
  } finally {
    await manager.close();
  }
}

async function whenReady(
  manager: SessionManager,
  ids: readonly string[],
  stderr: StderrLines,
  timeoutMs: number = 30_000,
): Promise<void> {
  let settled = 0;
  const ready = ids.map(async (id) => {
    await manager
      .session(id)
      .ready({ timeoutMs })
      .catch(() => undefined); // What became of it is told with its state.
    settled += 1;
  });
  await withProgress(stderr, () => `starting servers: ${settled} of ${ids.length}`, Promise.all(ready));
}

/** The service of a running `up` that holds this configuration; undefined when there is none. */
export async function attach(files: readonly string[]): Promise<ServiceClient | undefined> {
  const config = await findConfigFile(files[0], resolve('.'));
  if (config === undefined) return undefined;
  const running = await readWord(runtimeFileOf(config, process.env));
  if (running === undefined || running.config !== config) return undefined;
  const client = new ServiceClient(running);
  try {
    return (await client.get('/api/sessions')).ok ? client : undefined;
  } catch {
    return undefined; // It has ended without taking its word back.
  }
}
