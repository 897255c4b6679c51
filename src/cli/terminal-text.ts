import { stripVTControlCharacters } from 'node:util';

const invisible = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cs}]/gu;
const breaking = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;
const wide =
  /^(?:[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation})/u;

/**
 * Foreign text as one line that a terminal only shows: escape sequences and what is invisible or turns the direction of writing
 * (zero width, bidi) are removed, control characters and line ends become a space, and no letter carries more than two marks.
 */
export function onOneLine(text: string): string {
  return stripVTControlCharacters(text)
    .replace(breaking, ' ')
    .replace(invisible, '')
    .replace(/(\p{M}{2})\p{M}+/gu, '$1');
}

/** `09:05:30`, by the clock of this machine. */
export function timeOfDay(nowMs: number): string {
  const at = new Date(nowMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** An id as one line. What `onOneLine` would remove is escaped instead, so that different ids stay different. */
export function shownId(id: string): string {
  const escaped = id.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return onOneLine(escaped);
}

/** How many columns a terminal needs for a text of `onOneLine`. */
export function widthOf(text: string): number {
  let width = 0;
  for (const char of text) width += widthOfCharacter(char);
  return width;
}

/** The text, cut to so many columns; `…` stands for what was cut. */
export function cutTo(width: number, text: string): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const char of text) {
    used += widthOfCharacter(char);
    if (used > width) break;
    kept += char;
  }
  return width < 1 ? '' : `${kept}…`;
}

/** The text in exactly so many columns: cut, or filled with spaces. */
export function inColumn(width: number, align: 'left' | 'right', text: string): string {
  const cut = cutTo(width, text);
  const space = ' '.repeat(Math.max(0, width - widthOf(cut)));
  return align === 'left' ? cut + space : space + cut;
}

function widthOfCharacter(char: string): number {
  if (/^\p{M}/u.test(char)) return 0;
  return wide.test(char) ? 2 : 1;
}
