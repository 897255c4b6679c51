import type { Command } from 'commander';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { shapeOf } from './completion-shape.ts';
import { zshCompletion } from './completion-zsh.ts';

const writers = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** A script with which a shell completes the program's commands, options and their choices. */
export function completionScript(program: Command, shell: keyof typeof writers): string {
  return writers[shell](shapeOf(program), program.name());
}
