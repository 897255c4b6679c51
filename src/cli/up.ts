import { startInspector } from '../inspect/index.ts';
import type { Inspector } from '../inspect/index.ts';
import { ServiceError } from '../service/index.ts';
import type { Service } from '../service/index.ts';
import type { ConfigProblem } from '../config/index.ts';
import { ClosedError } from '../index.ts';
import type { SessionManager } from '../index.ts';
import { unapproved } from './ask-approval.ts';
import { wantsColor } from './color.ts';
import { eventFeed } from './event-feed.ts';
import { exitCode } from './exit-codes.ts';
import { followConfig } from './follow-config.ts';
import { hold, managerFor } from './hold.ts';
import { JsonLines } from './json-lines.ts';
import { LogBuffer, tellStory } from './log-buffer.ts';
import { LiveTable } from './live-table.ts';
import type { LogThreshold } from './log-thresholds.ts';
import { readPlan, tellProblems, tellWarnings } from './read-plan.ts';
import type { PlanSource } from './read-plan.ts';
import { Screen } from './screen.ts';
import type { StderrLines } from './stderr-lines.ts';
import { onStopRequests } from './stop-requests.ts';
import { hasServers, nothingToHold } from './up-plan.ts';
import type { UpPlan } from './up-plan.ts';
import { readToken, serveUp } from './up-service.ts';
import type { ListenAddress } from '../config/index.ts';
import type { UpView } from './up-view.ts';

/** What `holdfast up` was asked for. */
export interface UpRequest extends PlanSource {
  /** JSON lines, whatever standard output is. */
  readonly json: boolean;
  /** False for `--no-color`. */
  readonly color: boolean;
  readonly logLevel: LogThreshold;
  readonly drainMs: number;
  /** Where the status API listens; false: nowhere; undefined: as the configuration says, else at the usual place. */
  readonly listen: ListenAddress | false | undefined;
  /** The file that holds its token. */
  readonly tokenFile: string | undefined;
  /** Whether a relay for Stately's inspector is started, and of which servers it tells; undefined: of all. */
  readonly inspect: false | { readonly servers: readonly string[] | undefined };
  /** False: edits of the configuration are not followed. */
  readonly watch: boolean;
}

/** Holds every server and every group of a configuration until it is told to stop. Resolves to the exit code, with nothing left behind. */
export async function up(request: UpRequest, stderr: StderrLines): Promise<number> {
  const plan = await readPlan(request, request.logLevel, stderr);
  if (plan === undefined) return exitCode.usage;
  if (!hasServers(plan)) return refuse(nothingToHold(plan), stderr);
  const logBuffer = new LogBuffer();
  const { manager, secrets } = managerFor(request, stderr, (logger) => logBuffer.noting(logger));
  tellStory(manager, logBuffer);
  const tellBug = (bug: unknown): void => {
    stderr.line(`holdfast: this is a bug: ${secrets.scrub(describe(bug))}`);
  };
  const listen = request.listen ?? plan.wanted.settings.listen ?? {};
  let service: Service | undefined;
  let inspector: Inspector | undefined;
  try {
    const token = await readToken(request.tokenFile, process.env);
    if (token !== undefined) secrets.register(token);
    service =
      listen === false
        ? undefined
        : await serveUp(manager, plan, {
            at: listen,
            token,
            logs: logBuffer,
            onBug: tellBug,
            tell: (problem) => {
              stderr.line(`holdfast: ${problem}`);
            },
          });
    if (request.inspect !== false)
      inspector = await startInspector(manager, { ...request.inspect, token: service?.token ?? token });
  } catch (error) {
    await service?.close();
    await manager.close({ drainMs: 0 });
    if (!(error instanceof ServiceError)) throw error;
    return refuse(`holdfast: ${error.message}`, stderr);
  }
  const view = viewFor(request, plan, manager, { service, inspector });
  const { held, problems } = await hold(manager, plan.wanted);
  tellProblems(problems, stderr);
  if (held.servers.length === 0) {
    await inspector?.close();
    await service?.close();
    await manager.close({ drainMs: 0 });
    return refuse(nothingToHold(plan), stderr);
  }
  const present = [...plan.wanted.problems, ...problems];
  service?.setProblems(present);
  view.start(held, present);
  if (stderr.isTerminal) stderr.showThrough(view.above);
  const unfollow = follow(request, plan, present, { manager, view, service, stderr, tellBug });
  const code = await untilStopped(manager, view, service, (bug) => {
    stderr.line(`holdfast: this is a bug, everything is stopped: ${secrets.scrub(describe(bug))}`);
  });
  unfollow();
  stderr.showThrough(undefined);
  await inspector?.close();
  await service?.close();
  view.end();
  return code;
}

interface Following {
  readonly manager: SessionManager;
  readonly view: UpView;
  readonly service: Service | undefined;
  readonly stderr: StderrLines;
  readonly tellBug: (error: unknown) => void;
}

/** Follows the edits of the configuration, and tells everybody who looks. `present`: what is wrong at present. */
function follow(
  { watch, files, trust, logLevel }: UpRequest,
  plan: UpPlan,
  present: readonly ConfigProblem[],
  { manager, view, service, stderr, tellBug }: Following,
): () => void {
  if (!watch || plan.config === null) return () => undefined;
  let problems = present;
  return followConfig(files, plan.wanted, manager, {
    changed: (config, outcome) => {
      problems = [...config.problems, ...outcome.problems];
      tellProblems(problems, stderr);
      tellWarnings(config.warnings, logLevel, stderr);
      service?.setProblems(problems);
      view.configChanged(outcome.report, problems);
    },
    broken: (mistakes) => {
      tellProblems(mistakes, stderr);
      service?.setProblems([...problems, ...mistakes]);
      view.configBroken(mistakes);
    },
    refused: files.length === 0 && !trust && stderr.isTerminal && process.stdin.isTTY ? unapproved : undefined,
    failed: (error) => {
      if (!(error instanceof ClosedError)) tellBug(error);
    },
  });
}

function viewFor(
  request: UpRequest,
  plan: UpPlan,
  manager: SessionManager,
  { service, inspector }: { readonly service: Service | undefined; readonly inspector: Inspector | undefined },
): UpView {
  const { stdout } = process;
  const reachedAt = service?.url ?? service?.socketPath ?? null;
  if (request.json || !stdout.isTTY || process.env['TERM'] === 'dumb')
    return eventFeed(manager, new JsonLines(stdout), { service: reachedAt, inspector: inspector?.url ?? null });
  const color = wantsColor(request.color, process.env, stdout.hasColors());
  const dashboard = service?.link ?? service?.socketPath ?? undefined;
  return new LiveTable(manager, new Screen(stdout), {
    color,
    title: plan.title,
    dashboard,
    inspector: inspector?.link,
  });
}

/** Waits for a reason to stop, then for the manager to have let go of everything. Resolves to the exit code. */
async function untilStopped(
  manager: SessionManager,
  view: UpView,
  service: Service | undefined,
  tellBug: (error: unknown) => void,
): Promise<number> {
  let code: number | undefined;
  const close = (as: number, how: 'draining' | 'forcing'): void => {
    code ??= as;
    view.stopping(how);
    service?.stopping();
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

function refuse(why: string, stderr: StderrLines): number {
  stderr.line(why);
  return exitCode.usage;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
