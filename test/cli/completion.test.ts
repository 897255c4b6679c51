import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Argument, Command, Option } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScript } from '../../src/cli/completion/completion.ts';
import { built } from '../support/built.ts';
import { runCli } from './cli-process.ts';

const run = promisify(execFile);

/** What a line ends with is what is completed; an empty word after a space. Asks bash itself. */
const ask = `
source "$0"
COMP_WORDS=("$@")
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_holdfast
printf '%s\\n' "\${COMPREPLY[@]}"
`;

const hasBash = ((): boolean => {
  try {
    execFileSync('bash', ['--version']);
    return true;
  } catch {
    return false;
  }
})();
if (!hasBash && process.env['CI'] !== undefined) throw new Error('The script for bash is tried in bash: install it.');

let folder: string;
let script: string;

beforeAll(async () => {
  await built();
  folder = await mkdtemp(join(tmpdir(), 'holdfast-completion-'));
  script = join(folder, 'script.bash');
  await writeFile(join(folder, 'my servers.json'), '{}');
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function completed(...words: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await run('bash', ['--norc', '-c', ask, script, 'holdfast', ...words], { cwd: folder });
  return stdout.split('\n').filter((line) => line !== '');
}

// Without bash on this machine there is nothing to ask; CI has it, or fails.
describe.skipIf(!hasBash)('in bash', () => {
  beforeAll(async () => {
    const dist = await built();
    const { stdout } = await run(process.execPath, [join(dist, 'cli/main.js'), 'completion', 'bash']);
    await writeFile(script, stdout);
  });

  it.each<readonly [line: readonly string[], replies: readonly string[]]>([
    [['d'], ['doctor', 'diagram']],
    [
      ['config', ''],
      ['check', 'print', 'import', 'schema'],
    ],
    [['nothing', 'd'], []],
    [
      ['doctor', '--'],
      ['--config', '--trust', '--json', '--no-color', '--timeout', '--help'],
    ],
    [['doctor', 'a', '-c', 'b', '--ti'], ['--timeout']],
    [['config', 'check', '--j'], ['--json']],
    [
      ['call', '--log-level', ''],
      ['debug', 'info', 'warn', 'error', 'silent'],
    ],
    [['call', '--log-level', '=', 'w'], ['warn']],
    [
      ['call', '--log-level', '='],
      ['debug', 'info', 'warn', 'error', 'silent'],
    ],
    [['diagram', '--format', 's'], ['svg']],
    [
      ['diagram', ''],
      ['session', 'manager', 'group'],
    ],
    [['diagram', 'group', ''], []],
    [['diagram', '--format', 'svg', 'g'], ['group']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [
      ['up', ''],
      ['my servers.json', 'script.bash'],
    ],
    [['status', '-c', 'my'], ['my servers.json']],
    [['tools', '--timeout', ''], []],
    [['tools', ''], []],
    [['up', '--', 'script.b'], ['script.bash']],
  ])('holdfast %j is completed by %j', async (line, replies) => {
    expect(await completed(...line)).toEqual(replies);
  });

  it('every command of --help is offered', async () => {
    const { stdout } = await runCli(['--help']);
    const commands = [...(/Commands:\n([\s\S]*?)\n\n/.exec(stdout)?.[1] ?? '').matchAll(/^ {2}(\w+)/gm)];
    expect(await completed('')).toEqual(commands.map(([, name]) => name));
  });
});

describe('scripts', () => {
  const program = new Command('sail').description('a boat').helpCommand(false);
  program
    .command('log')
    .description("the ship's log: all of it")
    .argument('[file]')
    .option('-c, --config <file>', 'where [from]')
    .addOption(new Option('--level <level>', 'how much').choices(['some', 'all']))
    .option('--from <day>', 'since when');
  const crew = program.command('crew').description('who is on board').helpCommand(false);
  crew
    .command('add')
    .description('one more')
    .addArgument(new Argument('<rank>').choices(['mate', 'cook']))
    .argument('[names...]');

  it('zsh gets a function for each command', () => {
    expect(completionScript(program, 'zsh')).toMatchInlineSnapshot(`
      "#compdef sail

      _sail_crew_add() {
        _arguments -s \\
          '(-h --help)'{-h,--help}'[display help for command]' \\
          ':rank:(mate cook)' \\
          '*:names: '
      }

      _sail_crew() {
        local curcontext="$curcontext" state line
        local -a names=(
          'add:one more'
        )
        _arguments -C \\
          '(-h --help)'{-h,--help}'[display help for command]' \\
          '1: :->command' \\
          '*:: :->arguments'
        if [[ "$state" == command ]]; then _describe command names; fi
        if [[ "$state" != arguments ]]; then return; fi
        case "$line[1]" in
          add) _sail_crew_add ;;
        esac
      }

      _sail_log() {
        _arguments -s \\
          '(-c --config)'{-c,--config}'[where \\[from\\]]: :_files' \\
          --level'[how much]: :(some all)' \\
          --from'[since when]: : ' \\
          '(-h --help)'{-h,--help}'[display help for command]' \\
          ':file:_files'
      }

      _sail() {
        local curcontext="$curcontext" state line
        local -a names=(
          'log:the ship'\\''s log\\: all of it'
          'crew:who is on board'
        )
        _arguments -C \\
          '(-h --help)'{-h,--help}'[display help for command]' \\
          '1: :->command' \\
          '*:: :->arguments'
        if [[ "$state" == command ]]; then _describe command names; fi
        if [[ "$state" != arguments ]]; then return; fi
        case "$line[1]" in
          log) _sail_log ;;
          crew) _sail_crew ;;
        esac
      }

      if [[ "\${funcstack[1]}" == "_sail" ]]; then
        _sail "$@"
      else
        compdef _sail sail
      fi
      "
    `);
  });

  it('fish gets a line for each word', () => {
    expect(completionScript(program, 'fish')).toMatchInlineSnapshot(`
      "# fish completion for sail
      complete -c sail -f
      complete -c sail -n '__fish_use_subcommand' -a 'log' -d 'the ship\\'s log: all of it'
      complete -c sail -n '__fish_use_subcommand' -a 'crew' -d 'who is on board'
      complete -c sail -n '__fish_use_subcommand' -s h -l help -d 'display help for command'
      complete -c sail -n '__fish_seen_subcommand_from log' -s c -l config -r -F -d 'where [from]'
      complete -c sail -n '__fish_seen_subcommand_from log' -l level -x -a 'some all' -d 'how much'
      complete -c sail -n '__fish_seen_subcommand_from log' -l from -x -d 'since when'
      complete -c sail -n '__fish_seen_subcommand_from log' -s h -l help -d 'display help for command'
      complete -c sail -n '__fish_seen_subcommand_from log' -F
      complete -c sail -n '__fish_seen_subcommand_from crew; and not __fish_seen_subcommand_from add' -a 'add' -d 'one more'
      complete -c sail -n '__fish_seen_subcommand_from crew; and not __fish_seen_subcommand_from add' -s h -l help -d 'display help for command'
      complete -c sail -n '__fish_seen_subcommand_from crew; and __fish_seen_subcommand_from add' -s h -l help -d 'display help for command'
      complete -c sail -n '__fish_seen_subcommand_from crew; and __fish_seen_subcommand_from add' -a 'mate cook'
      "
    `);
  });

  it.each(['zsh', 'fish'])('%s gets one from the command, too', async (shell) => {
    expect(await runCli(['completion', shell])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/doctor/),
      stderr: '',
    });
  });
});
