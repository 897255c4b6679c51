import { readFile } from 'node:fs/promises';
import { dashboardAsset } from '../dashboard/index.ts';
import type { SessionManager } from '../index.ts';
import { diagram } from '../inspect/index.ts';
import { ServiceError, startService } from '../service/index.ts';
import type { LogSource, Service } from '../service/index.ts';
import { prometheusMetrics } from '../telemetry/index.ts';
import type { ListenAddress } from '../config/index.ts';
import { packageVersion } from './package-version.ts';
import { leaveWord, runtimeFileOf, takeBack } from './runtime-file.ts';
import type { UpPlan } from './up-plan.ts';

/** The token that somebody chose: that of the file, else of `HOLDFAST_TOKEN`; undefined when nobody did. Throws `ServiceError`. */
export async function readToken(
  file: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (file === undefined) return env['HOLDFAST_TOKEN'] || undefined;
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ServiceError(`The token file ${JSON.stringify(file)} cannot be read (${code}).`, { cause: error });
  }
}

/** Starts the status API of an `up`, and leaves word of it for other commands until it is closed. Throws `ServiceError`. */
export async function serveUp(
  manager: SessionManager,
  plan: UpPlan,
  options: {
    readonly at: ListenAddress;
    readonly token: string | undefined;
    readonly logs: LogSource;
    readonly onBug: (error: unknown) => void;
    /** Is told why others cannot find the service. */
    readonly tell: (problem: string) => void;
  },
): Promise<Service> {
  const { at, token, logs, onBug, tell } = options;
  const metrics = prometheusMetrics(manager);
  const started = await startService(manager, {
    ...at,
    token,
    logs,
    onBug,
    title: plan.title,
    version: packageVersion(),
    asset: dashboardAsset,
    charts: () => ({ session: diagram('session', 'svg'), group: diagram('group', 'svg') }),
    metrics: () => metrics.text(),
  }).catch(async (error: unknown) => {
    await metrics.close();
    throw error;
  });
  const service: Service = {
    ...started,
    close: async () => {
      await started.close();
      await metrics.close();
    },
  };
  if (plan.config === null) return service;
  const path = runtimeFileOf(plan.config, process.env);
  const { url, socketPath } = service;
  try {
    await leaveWord(path, { config: plan.config, pid: process.pid, url, socketPath, token: service.token });
  } catch (error) {
    tell(`other commands cannot find this one: ${error instanceof Error ? error.message : String(error)}`);
  }
  return {
    ...service,
    close: async () => {
      await takeBack(path);
      await service.close();
    },
  };
}
