import type { Command } from 'commander';
import { configOption, milliseconds, trustOption } from '../command-options.ts';
import { exitCodeHelp } from '../exit-codes.ts';
import type { StderrLines } from '../stderr-lines.ts';

interface DoctorOptions {
  readonly config?: readonly string[];
  readonly trust?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
  readonly timeout?: number;
}

/** Adds `holdfast doctor`; its exit code is told to `exit`. */
export function addDoctorCommand(program: Command, stderr: StderrLines, exit: (code: number) => void): void {
  program
    .command('doctor')
    .description('take servers through every step up to a call, and say what is wrong and what helps')
    .argument('[server]')
    .addOption(configOption())
    .addOption(trustOption())
    .option('--json', 'JSON on standard output')
    .option('--no-color', 'no colours; NO_COLOR and FORCE_COLOR are heeded as well')
    .option('--timeout <ms>', 'the most for connecting, and for each request; default: as configured', milliseconds)
    .addHelpText('after', exitCodeHelp)
    .action(async (server: string | undefined, options: DoctorOptions) => {
      const { doctor } = await import('./doctor.ts');
      const { config = [], trust = false, json = false, color, timeout } = options;
      exit(await doctor({ files: config, trust, server, json, color, timeoutMs: timeout }, stderr));
    });
}
