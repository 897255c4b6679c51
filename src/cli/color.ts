const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** A way to set off a text on a terminal. */
export type Style = keyof typeof codes;

/** The text in a style, or as it is without one. */
export function styled(style: Style | undefined, text: string): string {
  if (style === undefined) return text;
  const [on, off] = codes[style];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

/**
 * Whether to use colours on a terminal: not with `--no-color`, not when `NO_COLOR` is set to anything, and not with
 * `FORCE_COLOR=0`; otherwise when `FORCE_COLOR` is set or the terminal knows colours.
 */
export function wantsColor(
  asked: boolean,
  env: Readonly<Record<string, string | undefined>>,
  terminalHasColors: boolean,
): boolean {
  const force = env['FORCE_COLOR'];
  if (!asked || (env['NO_COLOR'] ?? '') !== '' || force === '0' || force === 'false') return false;
  return force !== undefined || terminalHasColors;
}
