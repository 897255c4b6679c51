import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import type { Fault } from '../fault.ts';
import type { StdioTarget } from '../target.ts';

/** Node's own checks of the arguments: NUL bytes, an empty command. */
const ARGUMENT_CODES = new Set(['ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE', 'E2BIG']);
/** What the machine is short of: it may well work later. */
const SHORTAGES: Readonly<Record<string, string>> = {
  EAGAIN: 'the limit of processes is reached (ulimit -u)',
  EMFILE: 'this process has no file descriptor left (ulimit -n)',
  ENFILE: 'the machine has no file descriptor left',
  ENOMEM: 'the machine has no memory left',
};

/**
 * Says why a server could not be started.
 *
 * Node gives the error of the command for a bad working directory too, so the directory is looked at first:
 * its faults have codes of their own, `cwd:ENOENT`, `cwd:ENOTDIR` and `cwd:EACCES`.
 */
export async function spawnFault(error: unknown, target: StdioTarget): Promise<Fault> {
  const code = codeOf(error);
  const command = JSON.stringify(target.command);
  if (ARGUMENT_CODES.has(code)) {
    const detail = code === 'E2BIG' ? 'arguments and environment are too long together' : messageOf(error);
    return {
      kind: 'config',
      code,
      message: `${command} cannot be started: ${detail}. Correct its command, arguments or environment.`,
    };
  }
  const shortage = SHORTAGES[code];
  if (shortage !== undefined) {
    return {
      kind: 'overload',
      code,
      message: `${command} could not be started: ${shortage}. Run fewer servers or raise the limit.`,
    };
  }
  const directoryFault = target.cwd === undefined ? null : await workingDirectoryFault(target.cwd, command);
  if (directoryFault !== null) return directoryFault;
  return { kind: 'spawn', code, message: await commandMessage(code, target, command) };
}

async function workingDirectoryFault(cwd: string, command: string): Promise<Fault | null> {
  const fault = (code: string, what: string): Fault => ({
    kind: 'spawn',
    code: `cwd:${code}`,
    message: `${command} was not started: its working directory ${JSON.stringify(cwd)} ${what}. Create it or correct "cwd".`,
  });
  try {
    if (!(await stat(cwd)).isDirectory()) return fault('ENOTDIR', 'is not a directory');
    await access(cwd, constants.X_OK);
    return null;
  } catch (error) {
    const code = codeOf(error);
    return fault(code, code === 'ENOENT' ? 'does not exist' : `cannot be entered (${code})`);
  }
}

async function commandMessage(code: string, target: StdioTarget, command: string): Promise<string> {
  switch (code) {
    case 'ENOENT':
      if (!/[\\/]/.test(target.command)) {
        return `The command ${command} was not found on the PATH that the server gets. Install it, or give its full path.`;
      }
      return (await exists(target))
        ? `${command} exists, but the interpreter that it names (#! line) or a library that it needs does not. Install that.`
        : `The command ${command} does not exist. Install it or correct the path.`;
    case 'EACCES':
      return `${command} may not be executed. Make it executable (chmod +x), or start it through its interpreter.`;
    case 'ENOEXEC':
      return `${command} is not a program that this machine can run. Start it through its interpreter.`;
    default:
      return `${command} could not be started (${code}). Try the command by hand, as the same user and in the same directory.`;
  }
}

async function exists(target: StdioTarget): Promise<boolean> {
  const path = isAbsolute(target.command) ? target.command : resolve(target.cwd ?? '.', target.command);
  return stat(path).then(
    () => true,
    () => false,
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
