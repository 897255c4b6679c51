import { resolve } from 'node:path';
import { parseEnv } from 'node:util';

import { bareRecord } from './bare-record.ts';
import type { EntryContext } from './entry-context.ts';
import type { VariableScope } from './expand-variables.ts';
import { kindOf } from './document-value.ts';
import type { JsonMember, JsonValue } from './document-value.ts';
import { quoted } from './printable.ts';
import { describeReadError } from './read-text-file.ts';
import { membersOf } from './report.ts';
import type { Report } from './report.ts';
import type { StdioSpec } from './server-spec.ts';
import { expandText, readFilledText, readText } from './text-value.ts';

/** The keys that only an entry with a command has. */
export const stdioKeys = ['command', 'args', 'cwd', 'env', 'environment', 'envFile', 'inheritEnv'] as const;

/** Reads an entry with a command. What is wrong is reported, and then the result is not to be used. */
export async function readStdioEntry(
  members: ReadonlyMap<string, JsonMember>,
  command: JsonMember,
  context: EntryContext,
  report: Report,
): Promise<StdioSpec> {
  const { scope, projectFolder } = context;
  const places = placesOf(scope);
  const folder = members.get('cwd');
  const cwd = folder === undefined ? '' : (readText(folder.value, 'cwd', places, report) ?? '');
  const env = new Map<string, string | null>();
  const envFile = members.get('envFile');
  if (envFile !== undefined) await readEnvFile(envFile, env, context, report);
  readEnv(members.get('env') ?? members.get('environment'), env, scope, report);
  const line = commandLine(command, members.get('args'), context, report);
  return {
    kind: 'stdio',
    command: line.command === undefined ? '' : (readFilledText(line.command, 'command', places, report) ?? ''),
    args: line.args.map((item) => readText(item, 'an argument', scope, report) ?? ''),
    cwd: resolve(projectFolder, cwd),
    env: bareRecord(env),
    inheritEnv: readInheritEnv(members.get('inheritEnv'), report),
  };
}

/** Where a program is and where it runs is no secret: messages tell it. */
function placesOf(scope: VariableScope): VariableScope {
  return { ...scope, onValue: undefined };
}

/** The program, and what it is given: under two keys or, where the dialect has it so, in one list. */
function commandLine(
  { value }: JsonMember,
  args: JsonMember | undefined,
  { dialect }: EntryContext,
  report: Report,
): { readonly command: JsonValue | undefined; readonly args: readonly JsonValue[] } {
  const further = argsIn(args, report);
  if (value.type !== 'array') return { command: value, args: further };
  if (dialect.commandIsList !== true) {
    report.problem(
      value,
      'command must be a string, but it is an array',
      'put the program into "command" and the rest into "args"',
    );
    return { command: undefined, args: [] };
  }
  const [command, ...rest] = value.items;
  if (command === undefined) report.problem(value, 'command is empty', 'write "command": ["program", "argument", …]');
  return { command, args: [...rest, ...further] };
}

function argsIn(member: JsonMember | undefined, report: Report): readonly JsonValue[] {
  if (member === undefined) return [];
  if (member.value.type === 'array') return member.value.items;
  report.problem(
    member.value,
    `args must be an array of strings, but it is ${kindOf(member.value)}`,
    'write "args": ["…", "…"]',
  );
  return [];
}

function readInheritEnv(member: JsonMember | undefined, report: Report): boolean {
  if (member === undefined) return false;
  if (member.value.type === 'boolean') return member.value.flag;
  report.problem(
    member.value,
    `inheritEnv must be true or false, but it is ${kindOf(member.value)}`,
    'write true or false, without quotes',
  );
  return false;
}

function readEnv(
  member: JsonMember | undefined,
  env: Map<string, string | null>,
  scope: VariableScope,
  report: Report,
): void {
  if (member === undefined) return;
  if (member.value.type !== 'object') {
    report.problem(
      member.value,
      `env must be an object, but it is ${kindOf(member.value)}`,
      'write "env": { "NAME": "value" }',
    );
    return;
  }
  for (const [name, { at, path, value }] of membersOf(member.value, report)) {
    if (name === '' || /[=\p{Cc}]/u.test(name)) {
      report.problem(
        { at, path },
        `${quoted(name)} cannot be the name of a variable`,
        'use letters, digits and underscores',
      );
    } else if (value.type === 'null') {
      env.set(name, null);
    } else if (value.type === 'number') {
      env.set(name, String(value.number));
    } else if (value.type === 'string') {
      env.set(name, expandText(value.text, value, 'the value', scope, report) ?? '');
    } else {
      report.problem(
        value,
        `the value of a variable must be a string, a number or null, but it is ${kindOf(value)}`,
        'put it in double quotes',
      );
    }
  }
}

async function readEnvFile(
  member: JsonMember,
  env: Map<string, string | null>,
  { scope, projectFolder, readFile }: EntryContext,
  report: Report,
): Promise<void> {
  const path = readFilledText(member.value, 'envFile', placesOf(scope), report);
  if (path === undefined) return;
  let text: string;
  try {
    text = await readFile(resolve(projectFolder, path));
  } catch (error) {
    const { problem, fix } = describeReadError(error);
    report.problem(member.value, `the envFile ${problem}`, fix);
    return;
  }
  for (const [name, value] of Object.entries(parseEnv(text))) {
    // parseEnv takes a line without "=" for the beginning of the next line's name.
    if (!/^[^\s=\p{Cc}]+$/u.test(name) || value === undefined || value.includes('\0')) {
      report.problem(
        member.value,
        'the envFile holds a line that is not NAME=value',
        'mend that line; comments begin with #',
      );
      return;
    }
    env.set(name, value);
  }
}
