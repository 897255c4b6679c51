import { everyCommand } from './shape.ts';
import type { ArgumentShape, Completable, CommandShape, OptionShape } from './shape.ts';

/** The completion script for zsh: to be sourced, or to be put as `_name` into a folder of `fpath`. */
export function zshCompletion(program: CommandShape, name: string): string {
  const functions = everyCommand(program).map((command) => functionOf(command, name));
  return `#compdef ${name}

${functions.toReversed().join('\n\n')}

if [[ "\${funcstack[1]}" == "_${name}" ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function functionName({ path }: CommandShape, name: string): string {
  return `_${[name, ...path].join('_')}`;
}

function functionOf(command: CommandShape, name: string): string {
  const specs = command.options.map(optionSpec);
  const lines =
    command.commands.length === 0
      ? [`  _arguments -s \\\n${indented([...specs, ...command.arguments.map(argumentSpec)])}`]
      : withCommands(command, specs, name);
  return `${functionName(command, name)}() {\n${lines.join('\n')}\n}`;
}

function withCommands(command: CommandShape, specs: readonly string[], name: string): readonly string[] {
  const names = command.commands.map(
    ({ path, description }) => `    ${quoted(`${path.at(-1) ?? ''}:${description.replaceAll(':', String.raw`\:`)}`)}`,
  );
  const cases = command.commands.map((below) => `    ${below.path.at(-1) ?? ''}) ${functionName(below, name)} ;;`);
  return [
    '  local curcontext="$curcontext" state line',
    '  local -a names=(',
    ...names,
    '  )',
    `  _arguments -C \\\n${indented([...specs, "'1: :->command'", "'*:: :->arguments'"])}`,
    '  if [[ "$state" == command ]]; then _describe command names; fi',
    '  if [[ "$state" != arguments ]]; then return; fi',
    '  case "$line[1]" in',
    ...cases,
    '  esac',
  ];
}

function indented(specs: readonly string[]): string {
  return specs.map((spec) => `    ${spec}`).join(' \\\n');
}

function optionSpec({ flags, description, value }: OptionShape): string {
  const takes = value === undefined ? '' : `: :${action(value)}`;
  const text = quoted(`[${description.replaceAll(/[\\[\]:]/g, String.raw`\$&`)}]${takes}`);
  const [first = ''] = flags;
  return flags.length === 1 ? `${first}${text}` : `'(${flags.join(' ')})'{${flags.join(',')}}${text}`;
}

function argumentSpec({ name, accepts, isRepeated }: ArgumentShape): string {
  return quoted(`${isRepeated ? '*' : ''}:${name}:${action(accepts)}`);
}

function action(accepts: Completable): string {
  if (accepts.kind === 'words') return `(${accepts.words.join(' ')})`;
  return accepts.kind === 'file' ? '_files' : ' ';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
