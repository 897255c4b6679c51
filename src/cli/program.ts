import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { exitCode, exitCodeHelp } from './exit-codes.ts';
import { logThresholds } from './log-thresholds.ts';
import type { LogThreshold } from './log-thresholds.ts';
import { packageVersion } from './package-version.ts';
import type { StderrLines } from './stderr-lines.ts';

interface UpOptions {
  readonly json?: boolean;
  readonly color: boolean;
  readonly logLevel: LogThreshold;
  readonly drainMs: number;
}

const longestTimerMs = 2_147_483_647;

/** Runs the command with the arguments that follow its name. Resolves to the exit code; never rejects. */
export async function run(args: readonly string[], stderr: StderrLines): Promise<number> {
  const dashes = args.indexOf('--');
  const own = dashes === -1 ? args : args.slice(0, dashes);
  const command = dashes === -1 ? undefined : args.slice(dashes + 1);
  let code: number = exitCode.ok;
  const program = createProgram(stderr);
  program
    .command('up')
    .description('hold every server of a configuration, and show it: a live table on a terminal, else JSON lines')
    .argument('[file]', 'configuration; default: holdfast.json, .mcp.json, mcp.json or .vscode/mcp.json')
    .usage('[options] [file]\n       holdfast up [options] -- <command> [args…]')
    .option('--json', 'JSON lines on a terminal too')
    .option('--no-color', 'no colours; NO_COLOR and FORCE_COLOR are heeded as well')
    .addOption(
      new Option('--log-level <level>', 'log to standard error from this level on')
        .choices(logThresholds)
        .default('warn'),
    )
    .option('--drain-ms <ms>', 'how long calls in flight may take when stopping', milliseconds, 5000)
    .addHelpText('after', exitCodeHelp)
    .action(async (file: string | undefined, { json = false, color, logLevel, drainMs }: UpOptions, self: Command) => {
      if (command !== undefined && file !== undefined) self.error('error: give a file or a command after --, not both');
      if (command?.length === 0) self.error('error: there is no command after --');
      const { up } = await import('./up.ts');
      code = await up({ file, command, json, color, logLevel, drainMs }, stderr);
    });
  try {
    await program.parseAsync([...own], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    stderr.line(`holdfast: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return exitCode.failed;
  }
}

function createProgram(stderr: StderrLines): Command {
  return new Command('holdfast')
    .description('Keeps every MCP server held: connected, healthy, recovered.')
    .version(packageVersion())
    .helpOption('-h, --help', 'show help')
    .helpCommand(false)
    .addHelpText('after', exitCodeHelp)
    .exitOverride()
    .configureOutput({
      writeErr: (text) => {
        stderr.write(text);
      },
    });
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > longestTimerMs) {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${longestTimerMs}.`);
  }
  return value;
}
