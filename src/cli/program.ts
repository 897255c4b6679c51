import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { fileHelp, logLevelOption, milliseconds } from './command-options.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { exitCode, exitCodeHelp } from './exit-codes.ts';
import type { DiagramFormat, MachineName } from '../inspect/index.ts';
import type { LogThreshold } from './log-thresholds.ts';
import { packageVersion } from './package-version.ts';
import type { StderrLines } from './stderr-lines.ts';
import { readListen } from './listen-at.ts';
import type { ListenAt } from './listen-at.ts';

interface UpOptions {
  readonly json?: boolean;
  readonly color: boolean;
  readonly logLevel: LogThreshold;
  readonly drainMs: number;
  /** `{}` by default; false for `--no-listen`. */
  readonly listen: ListenAt | false;
  readonly tokenFile?: string;
}

interface ActOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly color: boolean;
  readonly logLevel: LogThreshold;
  readonly timeout: number;
}

const machineNames = ['session', 'manager', 'group'] as const satisfies readonly MachineName[];
const diagramFormats = ['mermaid', 'svg', 'json'] as const satisfies readonly DiagramFormat[];

/** Runs the command with the arguments that follow its name. Resolves to the exit code; never rejects. */
export async function run(args: readonly string[], stderr: StderrLines): Promise<number> {
  const dashes = args.indexOf('--');
  const own = dashes === -1 ? args : args.slice(0, dashes);
  const command = dashes === -1 ? undefined : args.slice(dashes + 1);
  let code: number = exitCode.ok;
  const program = createProgram(stderr);
  const checkCommand = (self: Command, file: string | undefined): void => {
    if (command !== undefined && file !== undefined) self.error('error: give a file or a command after --, not both');
    if (command?.length === 0) self.error('error: there is no command after --');
  };
  const sourceOf = (self: Command, { config }: ActOptions): { file: string | undefined; command: typeof command } => {
    checkCommand(self, config);
    return { file: config, command };
  };
  program
    .command('up')
    .description('hold every server of a configuration, and show it: a live table on a terminal, else JSON lines')
    .argument('[file]', fileHelp)
    .usage('[options] [file]\n       holdfast up [options] -- <command> [args…]')
    .option('--json', 'JSON lines on a terminal too')
    .option('--no-color', 'no colours; NO_COLOR and FORCE_COLOR are heeded as well')
    .option('--listen <where>', 'where the status API listens: [host:]port or unix:<path>', listenAt, {})
    .option('--no-listen', 'no status API; other commands cannot reach this one')
    .option(
      '--token-file <file>',
      'the file of the token of the status API; default: HOLDFAST_TOKEN, else a random one',
    )
    .addOption(logLevelOption())
    .option('--drain-ms <ms>', 'how long calls in flight may take when stopping', milliseconds, 5000)
    .addHelpText('after', exitCodeHelp)
    .action(async (file: string | undefined, options: UpOptions, self: Command) => {
      checkCommand(self, file);
      const { up } = await import('./up.ts');
      const { json = false, tokenFile, ...rest } = options;
      code = await up({ ...rest, file, command, json, tokenFile }, stderr);
    });
  actCommand(program, 'status', 'tell how every server stands, once')
    .option('--no-color', 'no colours; NO_COLOR and FORCE_COLOR are heeded as well')
    .action(async (options: ActOptions, self: Command) => {
      const { status } = await import('./status.ts');
      code = await status(
        { ...acting(options), ...sourceOf(self, options), only: undefined, color: options.color },
        stderr,
      );
    });
  actCommand(program, 'tools', 'list the tools of a server, or of all')
    .argument('[server]')
    .action(async (server: string | undefined, options: ActOptions, self: Command) => {
      const { tools } = await import('./tools.ts');
      const only = server === undefined ? undefined : [server];
      code = await tools({ ...acting(options), ...sourceOf(self, options), only, server }, stderr);
    });
  actCommand(program, 'call', 'call a tool of a server or a group')
    .argument('<target>', 'the server or group')
    .argument('<tool>')
    .argument('[arguments...]', 'name=value, name:=json, or - for a JSON object on standard input')
    .action(async (target: string, tool: string, pairs: string[], options: ActOptions, self: Command) => {
      const { call } = await import('./call.ts');
      code = await call(
        { ...acting(options), ...sourceOf(self, options), only: [target], target, tool, pairs },
        stderr,
      );
    });
  addDoctorCommand(program, stderr, (as) => {
    code = as;
  });
  program
    .command('restart')
    .description('have a running `holdfast up` connect a server anew')
    .argument('<server>')
    .option('-c, --config <file>', fileHelp)
    .action(async (server: string, { config }: { readonly config?: string }) => {
      const { restart } = await import('./restart.ts');
      code = await restart({ file: config, server }, stderr);
    });
  const config = program.command('config').description('look at a configuration').helpCommand(false);
  config
    .command('check')
    .description('say what is wrong with a configuration, and what of it is ignored, without starting anything')
    .argument('[file]', fileHelp)
    .option('--json', 'JSON on standard output')
    .action(async (file: string | undefined, { json = false }: { readonly json?: boolean }) => {
      const { checkConfig } = await import('./check-config.ts');
      code = await checkConfig(file, json, stderr);
    });
  program
    .command('diagram')
    .description("write one of holdfast's statecharts")
    .addArgument(new Argument('[machine]').choices(machineNames).default('session'))
    .addOption(new Option('--format <format>', 'how to write it').choices(diagramFormats).default('mermaid'))
    .action(async (machine: MachineName, { format }: { readonly format: DiagramFormat }) => {
      const { writeDiagram } = await import('./diagram.ts');
      writeDiagram(machine, format);
    });
  addCompletionCommand(program);
  try {
    await program.parseAsync([...own], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    stderr.line(`holdfast: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return exitCode.failed;
  }
}

/** A command on the servers of a configuration, whether an `up` holds them or not. */
function actCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('-c, --config <file>', fileHelp)
    .option('--json', 'JSON on standard output')
    .option('--timeout <ms>', 'how long servers that are started, and calls, may take', milliseconds, 30_000)
    .addOption(logLevelOption())
    .addHelpText(
      'after',
      `\nIt asks a running \`holdfast up\` of the configuration, else starts the servers for as long as it takes.\n${exitCodeHelp}`,
    );
}

function acting({ json = false, logLevel, timeout }: ActOptions): {
  readonly json: boolean;
  readonly logLevel: LogThreshold;
  readonly timeoutMs: number;
} {
  return { json, logLevel, timeoutMs: timeout };
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

function listenAt(text: string): ListenAt {
  const at = readListen(text);
  if (at === undefined) throw new InvalidArgumentError('Write 7500, 127.0.0.1:7500, [::1]:7500 or unix:/path.');
  return at;
}
