import { Argument, Command, CommanderError, Option } from 'commander';
import { collected, configOption, fileHelp, logLevelOption, milliseconds, trustOption } from './command-options.ts';
import { addCompletionCommand } from './completion/command.ts';
import { addDoctorCommand } from './doctor/command.ts';
import { exitCode, exitCodeHelp } from './exit-codes.ts';
import type { DiagramFormat, MachineName } from '../inspect/index.ts';
import type { LogThreshold } from './log-thresholds.ts';
import { packageVersion } from './package-version.ts';
import type { PlanSource } from './read-plan.ts';
import type { StderrLines } from './stderr-lines.ts';
import type { ListenAddress } from '../config/index.ts';

interface UpOptions {
  readonly json?: boolean;
  readonly color: boolean;
  readonly logLevel: LogThreshold;
  readonly drainMs: number;
  /** False for `--no-listen`; undefined: as the configuration says. */
  readonly listen?: string | false;
  readonly tokenFile?: string;
  readonly watch: boolean;
  readonly inspect?: boolean;
  readonly inspectServer?: readonly string[];
  readonly trust?: boolean;
}

interface ActOptions {
  readonly trust?: boolean;
  readonly config?: readonly string[];
  readonly json?: boolean;
  readonly color: boolean;
  readonly logLevel: LogThreshold;
  readonly timeout?: number;
}

interface LogsOptions {
  readonly config?: readonly string[];
  readonly follow?: boolean;
  readonly json?: boolean;
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
  const checkCommand = (self: Command, files: readonly string[]): void => {
    if (command !== undefined && files.length > 0) self.error('error: give a file or a command after --, not both');
    if (command?.length === 0) self.error('error: there is no command after --');
  };
  const sourceOf = (self: Command, { config = [], trust = false }: ActOptions): PlanSource => {
    checkCommand(self, config);
    return { files: config, command, trust };
  };
  program
    .command('up')
    .description('hold every server of a configuration, and show it: a live table on a terminal, else JSON lines')
    .argument('[files...]', fileHelp)
    .usage('[options] [files…]\n       holdfast up [options] -- <command> [args…]')
    .option('--json', 'JSON lines on a terminal too')
    .option('--no-color', 'no colours; NO_COLOR and FORCE_COLOR are heeded as well')
    .option('--listen <where>', 'where the status API listens: [host:]port or unix:<path>')
    .option('--no-listen', 'no status API; other commands cannot reach this one')
    .option(
      '--token-file <file>',
      'the file of the token of the status API; default: HOLDFAST_TOKEN, else a random one',
    )
    .option('--inspect', "a relay for Stately's inspector, on this machine")
    .addOption(
      new Option('--inspect-server <id>', 'the same, of this server only; may be repeated').argParser(collected),
    )
    .addOption(trustOption())
    .option('--no-watch', 'do not follow edits of the configuration')
    .addOption(logLevelOption())
    .option('--drain-ms <ms>', 'how long calls in flight may take when stopping', milliseconds, 5000)
    .addHelpText('after', exitCodeHelp)
    .action(async (files: readonly string[], options: UpOptions, self: Command) => {
      checkCommand(self, files);
      const { up } = await import('./up.ts');
      const { json = false, trust = false, inspect = false, inspectServer, listen, tokenFile, ...rest } = options;
      const relay = inspect || inspectServer !== undefined ? { servers: inspectServer } : false;
      code = await up(
        {
          ...rest,
          inspect: relay,
          listen: typeof listen === 'string' ? await listenAt(listen, self) : listen,
          files,
          command,
          json,
          trust,
          tokenFile,
        },
        stderr,
      );
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
    .addOption(configOption())
    .action(async (server: string, { config = [] }: { readonly config?: readonly string[] }) => {
      const { restart } = await import('./restart.ts');
      code = await restart({ files: config, server }, stderr);
    });
  program
    .command('top')
    .description('show the live table of a running `holdfast up`')
    .addOption(configOption())
    .option('--no-color', 'no colours; NO_COLOR and FORCE_COLOR are heeded as well')
    .action(async ({ config = [], color }: { readonly config?: readonly string[]; readonly color: boolean }) => {
      const { top } = await import('./top.ts');
      code = await top({ files: config, color }, stderr);
    });
  program
    .command('logs')
    .description('tell what the servers of a running `holdfast up` wrote to stderr, and what happened to them')
    .argument('[id]', 'a server or group; default: all')
    .addOption(configOption())
    .option('-f, --follow', 'go on with what is written from now on')
    .option('--json', 'JSON lines')
    .action(async (id: string | undefined, { config = [], follow = false, json = false }: LogsOptions) => {
      const { logs } = await import('./logs.ts');
      code = await logs({ files: config, id, follow, json }, stderr);
    });
  const config = program.command('config').description('look at a configuration').helpCommand(false);
  config
    .command('check')
    .description('say what is wrong with a configuration, and what of it is ignored, without starting anything')
    .argument('[files...]', fileHelp)
    .option('--json', 'JSON on standard output')
    .action(async (files: readonly string[], { json = false }: { readonly json?: boolean }) => {
      const { checkConfig } = await import('./check-config.ts');
      code = await checkConfig(files, json, stderr);
    });
  config
    .command('print')
    .description('write what a configuration comes to: files merged, variables expanded, secrets left out')
    .argument('[files...]', fileHelp)
    .action(async (files: readonly string[]) => {
      const { printConfig } = await import('./print-config.ts');
      code = await printConfig(files, stderr);
    });
  config
    .command('import')
    .description('list the configurations of other hosts on this machine')
    .addOption(new Option('--json', 'JSON on standard output').conflicts('extends'))
    .option('--extends', 'the text of a holdfast.json that builds on them')
    .action(
      async ({ json = false, extends: asFile = false }: { readonly json?: boolean; readonly extends?: boolean }) => {
        const { importConfig } = await import('./import-config.ts');
        code = await importConfig(json ? 'json' : asFile ? 'extends' : 'table');
      },
    );
  config
    .command('schema')
    .description("write the JSON Schema of what holdfast reads of a configuration's own keys")
    .action(async () => {
      const { printSchema } = await import('./print-config.ts');
      printSchema();
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
    .addOption(configOption())
    .option('--json', 'JSON on standard output')
    .addOption(trustOption())
    .option(
      '--timeout <ms>',
      'how long servers that are started, and calls, may take; default: 30000, and what the server has for calls',
      milliseconds,
    )
    .addOption(logLevelOption())
    .addHelpText(
      'after',
      `\nIt asks a running \`holdfast up\` of the configuration, else starts the servers for as long as it takes.\n${exitCodeHelp}`,
    );
}

function acting({ json = false, logLevel, timeout }: ActOptions): {
  readonly json: boolean;
  readonly logLevel: LogThreshold;
  readonly timeoutMs: number | undefined;
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

/** Loads the reader of configurations only where it is needed. */
async function listenAt(text: string, self: Command): Promise<ListenAddress> {
  const { readListenAddress } = await import('../config/index.ts');
  return (
    readListenAddress(text) ??
    self.error(
      `error: option '--listen <where>' argument '${text}' is invalid. Write 7500, 127.0.0.1:7500, [::1]:7500 or unix:/path.`,
    )
  );
}
