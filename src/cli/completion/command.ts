import { Argument } from 'commander';
import type { Command } from 'commander';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** Adds `holdfast completion`, which knows every command that the program has when it is run. */
export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .description('write a script that has a shell complete commands and options')
    .addArgument(new Argument('<shell>').choices(shells))
    .action(async (shell: Shell) => {
      const { completionScript } = await import('./completion.ts');
      process.stdout.write(completionScript(program, shell));
    });
}
