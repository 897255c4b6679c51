import type { ConfigProblem, LoadedConfig } from '../config/index.ts';
import { ConfigError } from '../config/index.ts';
import { InvalidOptionError, SecretRegistry, SessionManager, UnknownServerError } from '../index.ts';
import type { Applied, ApplyReport, Logger } from '../index.ts';
import { cliLogger } from './cli-logger.ts';
import type { LogThreshold } from './log-thresholds.ts';
import type { StderrLines } from './stderr-lines.ts';
import { shownId } from './terminal-text.ts';
import type { Held } from './up-view.ts';

/** A configuration may name as many as it likes, within reason; a later edit of it too. */
const mostServers = 10_000;

export interface HoldOptions {
  readonly logLevel: LogThreshold;
  readonly drainMs: number;
}

/** A manager for the servers of a configuration, and what is known to be a secret in them. `noting`: what else its logger does. */
export function managerFor(
  { logLevel, drainMs }: HoldOptions,
  stderr: StderrLines,
  noting: (logger: Logger) => Logger = (logger) => logger,
): { readonly manager: SessionManager; readonly secrets: SecretRegistry } {
  const secrets = new SecretRegistry();
  const config = { maxConnections: mostServers, drainMs };
  return { manager: new SessionManager(config, { logger: noting(cliLogger(logLevel, stderr)), secrets }), secrets };
}

/** What became of a configuration. */
export interface HoldOutcome {
  readonly report: ApplyReport;
  readonly held: Held;
  /** What is wrong with what is not held as it is written, besides the problems of the configuration itself. */
  readonly problems: readonly ConfigProblem[];
}

/** Has the manager hold what a configuration says. What one server or group is refused for does not concern the others. */
export async function hold(manager: Pick<SessionManager, 'apply'>, wanted: LoadedConfig): Promise<HoldOutcome> {
  const report = await manager.apply(wanted);
  return {
    report,
    held: { servers: heldIn(report.servers), groups: heldIn(report.groups) },
    problems: [
      ...wanted.servers.flatMap(({ id, source }) => {
        const error = refusalOf(report.servers, id);
        return error === undefined
          ? []
          : [{ ...source, field: null, serverId: id, problem: sentence(error), fix: fixOf(error) }];
      }),
      ...wanted.groups.flatMap(({ id, source }) => {
        const error = refusalOf(report.groups, id);
        return error === undefined ? [] : [{ ...source, field: null, serverId: null, ...aboutGroup(id, error) }];
      }),
    ],
  };
}

function heldIn(applied: readonly Applied[]): readonly string[] {
  return applied.flatMap((each) =>
    each.change === 'removed' || (each.change === 'refused' && !each.kept) ? [] : [each.id],
  );
}

/** Undefined for what is held as it is written, and for what the configuration itself tells. */
function refusalOf(applied: readonly Applied[], id: string): Error | undefined {
  const found = applied.find((each) => each.id === id);
  return found?.change !== 'refused' || found.error instanceof ConfigError ? undefined : found.error;
}

function aboutGroup(id: string, error: Error): { readonly problem: string; readonly fix: string } {
  const isMember = error instanceof UnknownServerError;
  const why = isMember ? `the server "${shownId(error.serverId ?? '')}" could not be added` : sentence(error);
  const fix = isMember ? 'mend what is wrong with that server, or take it out of the group' : fixOf(error);
  return { problem: `the group "${shownId(id)}" is left out: ${why}`, fix };
}

function fixOf(error: Error): string {
  return error instanceof InvalidOptionError ? 'change or remove this setting' : 'change the configuration';
}

function sentence({ message }: Error): string {
  return message.replace(/\.$/, '');
}
