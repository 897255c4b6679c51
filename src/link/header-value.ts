const ENCODED = /^=\?base64\?.*\?=$/s;

/** A text as the value of an HTTP header: as it is where that is safe, else in Base64 between `=?base64?` and `?=`. */
export function headerValue(text: string): string {
  const isPlain = /^[\t\x20-\x7e]+$/.test(text) && text === text.trim() && !ENCODED.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}
