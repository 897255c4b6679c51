const longest = 64;

/**
 * A name from a configuration file as it may stand in a message: control and format characters are escaped,
 * and more than 64 characters are cut. For names only: values are never quoted, since they may be secrets.
 */
export function printable(name: string): string {
  const cut = name.length > longest ? `${name.slice(0, longest)}…` : name;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `printable` in double quotes. */
export function quoted(name: string): string {
  return `"${printable(name).replaceAll('"', '\\"')}"`;
}

/** The path of a member below `parent`: `a.b` where the name allows it, else `a["b c"]`. */
export function memberPath(parent: string, name: string): string {
  if (!/^[A-Za-z_$][\w$-]{0,63}$/.test(name)) return `${parent}[${quoted(name)}]`;
  return parent === '' ? name : `${parent}.${name}`;
}
