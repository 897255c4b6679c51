import type { Argument, Command, Option } from 'commander';

/** What may stand in a place of the command line: one of these words, a file, or something that only its user knows. */
export type Completable =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'any' };

/** An option, as far as a shell has to know it. */
export interface OptionShape {
  /** Short one first, where there are two. */
  readonly flags: readonly string[];
  readonly description: string;
  /** What its value is; undefined for one that takes none. */
  readonly value: Completable | undefined;
}

/** A place for an argument that is no option. */
export interface ArgumentShape {
  readonly name: string;
  readonly accepts: Completable;
  readonly isRepeated: boolean;
}

/** A command, and those below it. */
export interface CommandShape {
  /** The words that lead to it, without the name of the program: `[]`, `['config', 'check']`. */
  readonly path: readonly string[];
  readonly description: string;
  readonly options: readonly OptionShape[];
  readonly arguments: readonly ArgumentShape[];
  readonly commands: readonly CommandShape[];
}

/** The program as a shell has to know it, hidden commands and options left out. */
export function shapeOf(command: Command, path: readonly string[] = []): CommandShape {
  const help = command.createHelp();
  return {
    path,
    description: command.description(),
    options: help.visibleOptions(command).map(optionShape),
    arguments: command.registeredArguments.map(argumentShape),
    commands: help.visibleCommands(command).map((each) => shapeOf(each, [...path, each.name()])),
  };
}

/** The command and all below it. */
export function everyCommand(shape: CommandShape): readonly CommandShape[] {
  return [shape, ...shape.commands.flatMap(everyCommand)];
}

function optionShape({ short, long, flags, description, required, optional, argChoices }: Option): OptionShape {
  const takesValue = required || optional;
  return {
    flags: [short, long].filter((flag) => typeof flag === 'string'),
    description,
    value: takesValue ? completable(argChoices, /<file>/.test(flags)) : undefined,
  };
}

function argumentShape(argument: Argument): ArgumentShape {
  const { argChoices, variadic } = argument;
  const name = argument.name();
  return { name, accepts: completable(argChoices, /^files?$/.test(name)), isRepeated: variadic };
}

function completable(words: readonly string[] | undefined, isFile: boolean): Completable {
  if (words !== undefined) return { kind: 'words', words };
  return { kind: isFile ? 'file' : 'any' };
}
