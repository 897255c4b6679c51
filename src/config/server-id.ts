/** Names that would reach into an object's prototype wherever ids become keys. */
const reserved: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Why `id` cannot be the id of a server, as the end of a sentence; undefined when it can. */
export function serverIdFault(id: string): string | undefined {
  if (id.length === 0) return 'is empty';
  if (id.length > 64) return 'is longer than 64 characters';
  if (/\p{Cc}/u.test(id)) return 'holds control characters';
  if (reserved.has(id)) return 'is reserved';
  return undefined;
}
