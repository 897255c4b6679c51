/** What the name of a secret has in it, wherever. */
const secretWord =
  /key|token|secret|pass|pwd|auth(?!or(?!i[sz]))|cred|private|cookie|jwt|bearer|signature|^sig$|dsn|connection[._-]?string/i;

/** What the name of a thing ends in that says where something is or of what kind, and is told in messages for a reason. */
const placeWord =
  /(?:path|file|dir|directory|folder|home|ur[il]|endpoint|host|hostname|domain|port|sock|socket|region|mode|type|method|name|provider|version|level|enabled|timeout|ttl)$/i;

/** Variables that every process has. */
const everyday: ReadonlySet<string> = new Set([
  'EDITOR',
  'LANG',
  'LOGNAME',
  'NODE_ENV',
  'OLDPWD',
  'PWD',
  'SHELL',
  'TERM',
  'TMPDIR',
  'TZ',
  'USER',
]);

/** True for the name of a field, a variable, a flag, a header or a query parameter whose value is most likely a secret. */
export function looksSecret(name: string): boolean {
  return secretWord.test(name) && !saysWhere(name);
}

/** True for a name such as `HOME`, `API_URL` or `SSL_KEY_FILE`: its value says where something is, or of what kind, and opens nothing. */
export function saysWhere(name: string): boolean {
  return placeWord.test(name) || everyday.has(name);
}
