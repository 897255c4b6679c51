import { everyCommand } from './shape.ts';
import type { Completable, CommandShape, OptionShape } from './shape.ts';

/** The completion script for fish. */
export function fishCompletion(program: CommandShape, name: string): string {
  const lines = everyCommand(program).flatMap((command) => {
    const complete = `complete -c ${name} -n ${quoted(conditionOf(command))}`;
    return [
      ...command.commands.map(
        ({ path, description }) => `${complete} -a ${quoted(path.at(-1) ?? '')} -d ${quoted(description)}`,
      ),
      ...command.options.map((option) => `${complete} ${optionWords(option)}`),
      ...command.arguments.flatMap(({ accepts }) => (accepts.kind === 'any' ? [] : [`${complete} ${words(accepts)}`])),
    ];
  });
  return `# fish completion for ${name}\ncomplete -c ${name} -f\n${lines.join('\n')}\n`;
}

/** True on the command line of this command and of none below it. */
function conditionOf({ path, commands }: CommandShape): string {
  if (path.length === 0) return '__fish_use_subcommand';
  const seen = path.map((word) => `__fish_seen_subcommand_from ${word}`);
  const below = commands.map((command) => command.path.at(-1) ?? '').join(' ');
  return [...seen, ...(below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`])].join('; and ');
}

function optionWords({ flags, description, value }: OptionShape): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return [...names, ...(value === undefined ? [] : [takes(value)]), `-d ${quoted(description)}`].join(' ');
}

/** A value must follow (`-r`), and where files make no sense, none are offered (`-x`). */
function takes(value: Completable): string {
  if (value.kind === 'any') return '-x';
  return `${value.kind === 'file' ? '-r' : '-x'} ${words(value)}`;
}

function words(accepts: Completable): string {
  return accepts.kind === 'words' ? `-a ${quoted(accepts.words.join(' '))}` : '-F';
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}
