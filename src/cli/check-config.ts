import { ConfigError, formatConfigProblem, loadConfig } from '../config/index.ts';
import { exitCode } from './exit-codes.ts';
import { tellWarnings } from './read-plan.ts';
import type { StderrLines } from './stderr-lines.ts';

/**
 * Reads a configuration and says what is wrong with it and what of it is ignored, without starting anything. With `json` as one object.
 * Resolves to the exit code: 2 where something is wrong.
 */
export async function checkConfig(files: readonly string[], json: boolean, stderr: StderrLines): Promise<number> {
  try {
    const { file: path, servers, groups, problems, warnings } = await loadConfig(files, { env: process.env });
    const shown = {
      schema: 'holdfast/v1',
      file: path,
      servers: servers.map(({ id, enabled, transport }) => ({ id, enabled, transport: transport.kind })),
      groups: groups.map(({ id, config }) => ({ id, members: [config.primary, ...config.backups] })),
      problems,
      warnings,
    };
    if (json) process.stdout.write(`${JSON.stringify(shown)}\n`);
    else {
      for (const problem of problems) stderr.line(formatConfigProblem(problem));
      tellWarnings(warnings, 'info', stderr);
      const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
      const parts = [count(servers.length, 'server'), count(groups.length, 'group'), count(problems.length, 'problem')];
      process.stdout.write(`${path}: ${parts.join(', ')}\n`);
    }
    return problems.length === 0 ? exitCode.ok : exitCode.usage;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (json) {
      const { file: path, line, column, field, problem, fix } = error;
      const problems = [{ file: path, line, column, field, serverId: null, problem, fix }];
      process.stdout.write(
        `${JSON.stringify({ schema: 'holdfast/v1', file: path, servers: [], groups: [], problems, warnings: [] })}\n`,
      );
    } else stderr.line(error.message);
    return exitCode.usage;
  }
}
