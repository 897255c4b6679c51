import { createInterface } from 'node:readline/promises';
import type { ConfigProblem, LoadedConfig, ServerSpec } from '../config/index.ts';
import { describeConfig } from '../index.ts';
import { Approvals, approvalsFile } from './approvals.ts';
import { exitCode } from './exit-codes.ts';
import type { StderrLines } from './stderr-lines.ts';
import { onOneLine, shownId } from './terminal-text.ts';

/**
 * A configuration that was found, not named, may have come with whatever the folder holds: a person is shown what it would start, once for
 * each command. Where nobody looks on, nobody is asked.
 */
export async function isApproved(config: LoadedConfig, stderr: StderrLines): Promise<boolean> {
  if (!process.stdin.isTTY || !stderr.isTerminal) return true;
  const approvals = new Approvals(approvalsFile(process.env));
  const missing = await approvals.missing(config);
  if (missing.length === 0) return true;
  stderr.line(`holdfast: ${config.file} was found here, and would start:`);
  for (const spec of missing) stderr.line(`  ${shownId(spec.id)}: ${commandLine(config, spec)}`);
  if (!(await isAgreed('Start these? [y/N] '))) {
    stderr.line('holdfast: nothing was started; to start them without being asked, name the file or give --trust');
    return false;
  }
  await approvals.approve(missing);
  return true;
}

/** What of an edited configuration is not approved, as problems: while servers are shown nobody can be asked. */
export async function unapproved(config: LoadedConfig): Promise<readonly ConfigProblem[]> {
  const missing = await new Approvals(approvalsFile(process.env)).missing(config);
  return missing.map(({ id, source }) => ({
    ...source,
    field: null,
    serverId: id,
    problem: 'nobody has approved this command',
    fix: 'stop and start holdfast to look at it, or start it with the name of the file or with --trust',
  }));
}

function commandLine(config: LoadedConfig, { id }: ServerSpec): string {
  const transport = describeConfig(config).servers.find((each) => each.id === id)?.transport ?? {};
  const { command, args, cwd, env }: Record<string, unknown> = { ...transport };
  const words = [command, ...(Array.isArray(args) ? args : [])].map((word) => quotedWord(String(word)));
  const names = Object.keys(Object(env));
  const variables = names.length === 0 ? '' : `, with ${names.map(shownId).join(', ')} set`;
  return onOneLine(`${words.join(' ')}  (in ${String(cwd)}${variables})`);
}

function quotedWord(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : JSON.stringify(word);
}

async function isAgreed(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  // Nothing has been started yet.
  prompt.on('SIGINT', () => process.exit(exitCode.interrupted));
  const ended = new Promise<string>((resolve) => {
    prompt.once('close', () => {
      resolve('');
    });
  });
  const answer = await Promise.race([prompt.question(question), ended]);
  prompt.close();
  return /^y(?:es)?$/iu.test(answer.trim());
}
