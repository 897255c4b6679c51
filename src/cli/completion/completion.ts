import type { Command } from 'commander';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { shapeOf } from './shape.ts';
import { zshCompletion } from './zsh.ts';

const writers = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** A script with which a shell completes the program's commands, options and their choices. */
export function completionScript(program: Command, shell: keyof typeof writers): string {
  return writers[shell](shapeOf(program), program.name());
}
