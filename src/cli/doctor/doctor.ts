import { ConfigError, formatConfigProblem, loadConfig } from '../../config/index.ts';
import type { ConfigProblem, LoadedConfig } from '../../config/index.ts';
import { SecretRegistry, SessionManager } from '../../index.ts';
import { isApproved } from '../ask-approval.ts';
import { wantsColor } from '../color.ts';
import { doctorPlan } from './patients.ts';
import type { DoctorPlan, Patient } from './patients.ts';
import { DoctorProgress } from './progress.ts';
import { exitCodeOf, reportBlocks, reportLines } from './report.ts';
import type { DoctorReport } from './report.ts';
import type { Surgery } from './examination.ts';
import { nothingFound } from './findings.ts';
import type { ServerReport } from './findings.ts';
import { lookAtServer } from './look-at-server.ts';
import type { Step } from './steps.ts';
import { exitCode } from '../exit-codes.ts';
import { Screen } from '../screen.ts';
import { severalAtOnce } from '../several-at-once.ts';
import type { StderrLines } from '../stderr-lines.ts';
import { onStopRequests } from '../stop-requests.ts';

/** What `holdfast doctor` was asked for. */
export interface DoctorRequest {
  /** The configuration files; none: the first that exists of the usual ones. */
  readonly files: readonly string[];
  /** True: what was found may be started without anybody having looked at it. */
  readonly trust: boolean;
  /** Undefined: all enabled ones. */
  readonly server: string | undefined;
  readonly json: boolean;
  /** False for `--no-color`. */
  readonly color: boolean;
  /** The most that connecting and each request may take, in milliseconds; undefined: what the configuration allows. */
  readonly timeoutMs: number | undefined;
}

/** So many servers are looked at at a time. */
const mostAtOnce = 8;

/**
 * Takes each server through every step up to a call, on connections of its own, and tells how that went and what helps. Resolves to the exit
 * code, with nothing left behind.
 */
export async function doctor(request: DoctorRequest, stderr: StderrLines): Promise<number> {
  const config = await read(request, stderr);
  if (config === undefined) return exitCode.usage;
  const plan = doctorPlan(config, request.server);
  if (typeof plan === 'string') {
    stderr.line(plan);
    return exitCode.usage;
  }
  for (const problem of plan.problems) stderr.line(formatConfigProblem(problem));
  const seen = await examine(config, plan, request.timeoutMs, stderr);
  if (typeof seen === 'number') return seen;
  const report: DoctorReport = {
    schema: 'holdfast/v1',
    file: config.file,
    servers: seen,
    problems: plan.problems,
  };
  process.stdout.write(`${written(report, request)}\n`);
  return exitCodeOf(report);
}

async function read({ files, trust }: DoctorRequest, stderr: StderrLines): Promise<LoadedConfig | undefined> {
  try {
    const config = await loadConfig(files, { env: process.env });
    return files.length > 0 || trust || (await isApproved(config, stderr)) ? config : undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    stderr.line(error.message);
    return undefined;
  }
}

/** Looks at all of them. Resolves to an exit code instead where it was stopped before the end. */
async function examine(
  { settings: { defaults } }: LoadedConfig,
  { patients }: DoctorPlan,
  timeoutMs: number | undefined,
  stderr: StderrLines,
): Promise<readonly ServerReport[] | number> {
  const secrets = new SecretRegistry();
  const manager = new SessionManager(
    { maxConnections: patients.length, healthMonitoring: false, defaults, drainMs: 5000 },
    { secrets },
  );
  const stop = stopping(manager, (bug) => {
    stderr.line(`holdfast: this is a bug: ${secrets.scrub(describe(bug))}`);
  });
  const progress = stderr.isTerminal
    ? new DoctorProgress(new Screen(process.stderr), stderr, patients.length)
    : undefined;
  const onBegin: Surgery['onBegin'] = (id, step) => progress?.begin(id, step);
  const surgery: Surgery = { manager, secrets, defaults, timeoutMs, signal: stop.signal, onBegin };
  progress?.start();
  try {
    const seen = await severalAtOnce(patients, mostAtOnce, async (patient) => {
      stop.signal.throwIfAborted();
      const report = 'spec' in patient ? await lookAtServer(patient.spec, surgery) : refused(patient);
      progress?.finish(patient.id);
      return report;
    });
    await manager.close();
    return stop.code ?? seen; // A signal may have come when all was done.
  } catch (error) {
    if (stop.code === undefined) throw error;
    return stop.code;
  } finally {
    await manager.close();
    progress?.end();
    stop.end();
  }
}

interface Stopping {
  readonly signal: AbortSignal;
  /** The exit code, once there was a reason to stop. */
  readonly code: number | undefined;
  /** Listens no more. */
  end(): void;
}

/** Kills what was started on the first signal: none of it does work that could be finished. */
function stopping(manager: SessionManager, tellBug: (error: unknown) => void): Stopping {
  const controller = new AbortController();
  let code: number | undefined;
  const stop = (as: number): void => {
    code ??= as;
    controller.abort();
    void manager.close({ drainMs: 0 });
  };
  const end = onStopRequests({
    stop,
    force: stop,
    abandon: (as) => process.exit(code ?? as),
    crash: (error) => {
      tellBug(error);
      stop(exitCode.failed);
    },
  });
  return {
    signal: controller.signal,
    get code() {
      return code;
    },
    end,
  };
}

function refused({ id, problems }: Extract<Patient, { readonly problems: unknown }>): ServerReport {
  return { id, transport: null, status: 'failed', steps: problems.map(stepOf), ...nothingFound };
}

function stepOf({ file, line, column, field, problem, fix }: ConfigProblem): Step {
  const at = `${file}:${line}:${column}: ${field === null ? '' : `${field}: `}`;
  const sentence = `${fix.charAt(0).toUpperCase()}${fix.slice(1)}.`;
  return { step: 'configuration', status: 'failed', ms: 0, code: 'CONFIG', detail: `${at}${problem}`, fix: sentence };
}

function written(report: DoctorReport, { json, color }: DoctorRequest): string {
  if (json) return JSON.stringify(report);
  const { stdout } = process;
  if (!stdout.isTTY) return reportLines(report);
  return reportBlocks(report, wantsColor(color, process.env, stdout.hasColors()));
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
