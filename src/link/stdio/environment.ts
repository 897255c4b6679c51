import type { StdioTarget } from '../target.ts';

const KEPT_ON_POSIX = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'];
const KEPT_ON_WINDOWS = [
  'APPDATA',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'PATH',
  'PROCESSOR_ARCHITECTURE',
  'PROGRAMFILES',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'USERNAME',
  'USERPROFILE',
];

/**
 * The environment of a server: ours, or only the few variables without which programs do not find their way,
 * with those of the target added and those that it sets to null or undefined removed.
 */
export function environmentOf(
  target: Pick<StdioTarget, 'env' | 'inheritEnv'>,
  ours: NodeJS.ProcessEnv = process.env,
  isWindows: boolean = process.platform === 'win32',
): Record<string, string> {
  const kept = new Set(isWindows ? KEPT_ON_WINDOWS : KEPT_ON_POSIX);
  // Variable names do not differ by case on Windows.
  const nameOf = (name: string): string => (isWindows ? name.toUpperCase() : name);
  const environment = new Map<string, [name: string, value: string]>();
  for (const [name, value] of Object.entries(ours)) {
    if (value === undefined || !(target.inheritEnv || kept.has(nameOf(name)))) continue;
    environment.set(nameOf(name), [name, value]);
  }
  for (const [name, value] of Object.entries(target.env)) {
    if (value === null || value === undefined) environment.delete(nameOf(name));
    else environment.set(nameOf(name), [name, value]);
  }
  return Object.fromEntries(environment.values());
}
