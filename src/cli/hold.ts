import type { ConfigProblem } from '../config/index.ts';
import { InvalidOptionError, SecretRegistry, SessionManager } from '../index.ts';
import { cliLogger } from './cli-logger.ts';
import type { LogThreshold } from './log-thresholds.ts';
import type { StderrLines } from './stderr-lines.ts';
import { addGroups } from './up-groups.ts';
import type { PlannedServer, UpPlan } from './up-plan.ts';
import type { Held } from './up-view.ts';

export interface HoldOptions {
  readonly logLevel: LogThreshold;
  readonly drainMs: number;
}

/** A manager for the servers of a plan, and what is known to be a secret in them. */
export function managerFor(
  plan: UpPlan,
  { logLevel, drainMs }: HoldOptions,
  stderr: StderrLines,
): { readonly manager: SessionManager; readonly secrets: SecretRegistry } {
  const secrets = new SecretRegistry();
  const config = { maxConnections: Math.max(1, plan.servers.length), defaults: plan.defaults, drainMs };
  return { manager: new SessionManager(config, { logger: cliLogger(logLevel, stderr), secrets }), secrets };
}

/** Adds every server and group of a plan. What one of them is refused for does not concern the others; it is in `problems`. */
export async function addAll(
  manager: SessionManager,
  plan: UpPlan,
): Promise<{ readonly held: Held; readonly problems: readonly ConfigProblem[] }> {
  const servers = await addServers(manager, plan.servers);
  const groups = addGroups(manager, plan.groups, servers.started);
  return {
    held: { servers: servers.started, groups: groups.started },
    problems: [...servers.problems, ...groups.problems],
  };
}

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
