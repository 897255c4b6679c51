import { everyCommand } from './shape.ts';
import type { Completable, CommandShape } from './shape.ts';

/** The completion script for bash 3.2 and later, which needs nothing else. */
export function bashCompletion(program: CommandShape, name: string): string {
  const commands = everyCommand(program);
  return `# bash completion for ${name}
_${name}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" path= option= count=0 index word
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    if [[ "$word" == "=" ]]; then continue; fi
    if [[ -n "$option" ]]; then
      option=
    elif [[ "$word" == "--" ]]; then
      COMPREPLY=($(compgen -c -f -- "$cur"))
      return
    elif [[ "$word" == -* ]]; then
      case "$path $word" in
${commands.flatMap(valueOptions).join('\n')}
      esac
    else
      case "$path $word" in
${commands.flatMap(subcommands).join('\n')}
        *) count=$((count + 1)) ;;
      esac
    fi
  done
  if [[ "$cur" == "=" ]]; then cur=; fi
  if [[ -n "$option" ]]; then
    case "$path $option" in
${commands.flatMap(optionValues).join('\n')}
    esac
    return
  fi
  if [[ "$cur" == -* ]]; then
    case "$path" in
${commands.map(optionNames).join('\n')}
    esac
    return
  fi
  case "$path:$count" in
${commands.flatMap(argumentValues).join('\n')}
  esac
}
complete -F _${name} ${name}
`;
}

function pathText({ path }: CommandShape): string {
  return path.join('/');
}

function row(pattern: string, action: string, indent: number): string {
  return `${' '.repeat(indent)}${pattern}) ${action} ;;`;
}

/** After which words comes a value. */
function valueOptions(command: CommandShape): readonly string[] {
  return command.options
    .filter(({ value }) => value !== undefined)
    .map(({ flags }) => row(patternOf(command, flags), 'option=$word', 8));
}

function optionValues(command: CommandShape): readonly string[] {
  return command.options.flatMap(({ flags, value }) =>
    value === undefined || value.kind === 'any' ? [] : [row(patternOf(command, flags), replyWith(value), 6)],
  );
}

function patternOf(command: CommandShape, words: readonly string[]): string {
  return words.map((word) => `"${pathText(command)} ${word}"`).join(' | ');
}

function subcommands(command: CommandShape): readonly string[] {
  return command.commands.map((below) =>
    row(patternOf(command, below.path.slice(-1)), `path=${pathText(below)} count=0`, 8),
  );
}

function optionNames(command: CommandShape): string {
  const words = command.options.flatMap(({ flags }) => flags);
  return row(`"${pathText(command)}"`, replyWith({ kind: 'words', words }), 6);
}

function argumentValues(command: CommandShape): readonly string[] {
  const below = command.commands.map(({ path }) => path.at(-1) ?? '');
  if (below.length > 0) return [row(`"${pathText(command)}:0"`, replyWith({ kind: 'words', words: below }), 4)];
  return command.arguments.flatMap(({ accepts, isRepeated }, index) => {
    if (accepts.kind === 'any') return [];
    return [row(`"${pathText(command)}:"${isRepeated ? '*' : index}`, replyWith(accepts), 4)];
  });
}

function replyWith(accepts: Completable): string {
  return accepts.kind === 'words'
    ? `COMPREPLY=($(compgen -W "${accepts.words.join(' ')}" -- "$cur"))`
    : `local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null`;
}
