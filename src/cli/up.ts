import { ConfigError, formatConfigProblem, loadConfig } from '../config/index.ts';
import type { ConfigProblem, ConfigWarning } from '../config/index.ts';
import { InvalidOptionError, SecretRegistry, SessionManager } from '../index.ts';
import { cliLogger } from './cli-logger.ts';
import { wantsColor } from './color.ts';
import { eventFeed } from './event-feed.ts';
import { exitCode } from './exit-codes.ts';
import { JsonLines } from './json-lines.ts';
import { LiveTable } from './live-table.ts';
import type { LogThreshold } from './log-thresholds.ts';
import { Screen } from './screen.ts';
import type { StderrLines } from './stderr-lines.ts';
import { onStopRequests } from './stop-requests.ts';
import { addGroups } from './up-groups.ts';
import { planFromCommand, planFromConfig } from './up-plan.ts';
import type { PlannedServer, UpPlan } from './up-plan.ts';
import type { UpView } from './up-view.ts';

/** What `holdfast up` was asked for. */
export interface UpRequest {
  /** The configuration file; undefined: the first that exists of the usual ones. */
  readonly file: string | undefined;
  /** What stood after `--`: a server to hold instead of a file. */
  readonly command: readonly string[] | undefined;
  /** JSON lines, whatever standard output is. */
  readonly json: boolean;
  /** False for `--no-color`. */
  readonly color: boolean;
  readonly logLevel: LogThreshold;
  readonly drainMs: number;
}

/** Holds every server and every group of a configuration until it is told to stop. Resolves to the exit code, with nothing left behind. */
export async function up(request: UpRequest, stderr: StderrLines): Promise<number> {
  const plan = await planFor(request, stderr);
  if (plan === undefined) return exitCode.usage;
  if (plan.servers.length === 0) return nothingToHold(plan, stderr);
  const secrets = new SecretRegistry();
  const config = { maxConnections: plan.servers.length, defaults: plan.defaults, drainMs: request.drainMs };
  const manager = new SessionManager(config, { logger: cliLogger(request.logLevel, stderr), secrets });
  const view = viewFor(request, plan, manager);
  const { started, problems } = await addServers(manager, plan.servers);
  tellProblems(problems, stderr);
  if (started.length === 0) {
    await manager.close({ drainMs: 0 });
    return nothingToHold(plan, stderr);
  }
  const groups = addGroups(manager, plan.groups, started);
  tellProblems(groups.problems, stderr);
  view.start({ servers: started, groups: groups.started }, [...plan.problems, ...problems, ...groups.problems]);
  if (stderr.isTerminal) stderr.showThrough(view.above);
  const code = await untilStopped(manager, view, (bug) => {
    stderr.line(`holdfast: this is a bug, everything is stopped: ${secrets.scrub(describe(bug))}`);
  });
  stderr.showThrough(undefined);
  view.end();
  return code;
}

async function planFor(request: UpRequest, stderr: StderrLines): Promise<UpPlan | undefined> {
  const cwd = process.cwd();
  try {
    if (request.command !== undefined) return planFromCommand(request.command, cwd, process.env);
    const config = await loadConfig(request.file, { env: process.env });
    const plan = planFromConfig(config, cwd);
    tellProblems(plan.problems, stderr);
    tellWarnings(config.warnings, request.logLevel, stderr);
    return plan;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof InvalidOptionError)) throw error;
    stderr.line(error.message);
    return undefined;
  }
}

function viewFor(request: UpRequest, plan: UpPlan, manager: SessionManager): UpView {
  const { stdout } = process;
  if (request.json || !stdout.isTTY || process.env['TERM'] === 'dumb') return eventFeed(manager, new JsonLines(stdout));
  const color = wantsColor(request.color, process.env, stdout.hasColors());
  return new LiveTable(manager, new Screen(stdout), { color, title: plan.title });
}

/** Adds every server; what one of them is refused for does not concern the others. */
async function addServers(
  manager: SessionManager,
  servers: readonly PlannedServer[],
): Promise<{ readonly started: readonly string[]; readonly problems: readonly ConfigProblem[] }> {
  const started: string[] = [];
  const problems: ConfigProblem[] = [];
  for (const { id, target, options, source } of servers) {
    try {
      await manager.addServer(id, target, { ...options, waitForReady: false });
      started.push(id);
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error;
      const problem = error.message.replace(/\.$/, '');
      problems.push({ ...source, field: null, serverId: id, problem, fix: 'change or remove this setting' });
    }
  }
  return { started, problems };
}

/** Waits for a reason to stop, then for the manager to have let go of everything. Resolves to the exit code. */
async function untilStopped(manager: SessionManager, view: UpView, tellBug: (error: unknown) => void): Promise<number> {
  let code: number | undefined;
  const close = (as: number, how: 'draining' | 'forcing'): void => {
    code ??= as;
    view.stopping(how);
    void manager.close(how === 'forcing' ? { drainMs: 0 } : {});
  };
  const stopListening = onStopRequests({
    stop: (as) => {
      close(as, 'draining');
    },
    force: (as) => {
      close(as, 'forcing');
    },
    abandon: (as) => process.exit(code ?? as),
    crash: (error) => {
      code = exitCode.failed;
      tellBug(error);
      close(exitCode.failed, 'forcing');
    },
  });
  const onOutputError = (): void => {
    if (code === undefined) close(exitCode.ok, 'draining');
  };
  process.stdout.on('error', onOutputError);
  await manager.closed;
  stopListening();
  process.stdout.removeListener('error', onOutputError);
  return code ?? exitCode.ok;
}

function nothingToHold({ title, disabled }: UpPlan, stderr: StderrLines): number {
  stderr.line(`${title}: there is no server to hold${disabled === 0 ? '' : ` (disabled: ${disabled})`}`);
  return exitCode.usage;
}

function tellProblems(problems: readonly ConfigProblem[], stderr: StderrLines): void {
  for (const problem of problems) stderr.line(formatConfigProblem(problem));
}

function tellWarnings(warnings: readonly ConfigWarning[], threshold: LogThreshold, stderr: StderrLines): void {
  if (threshold === 'error' || threshold === 'silent') return;
  for (const { level, file, line, column, field, message } of warnings) {
    if (level === 'info' && threshold === 'warn') continue;
    stderr.line(`${file}:${line}:${column}: ${level}: ${field === null ? '' : `${field}: `}${message}`);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
