/** What stands in the place of a secret. */
export const placeholder = '[secret]';

const ellipsis = '…';

/** A secret is found by its last characters: tokens begin alike (`sk-`, `ghp_`, `eyJhbGciOi`) and end differently. */
const tailLength = 5;
const bitsPerCharacter = 3;
const hashes = 1 << (tailLength * bitsPerCharacter);

interface Range {
  from: number;
  readonly to: number;
}

/**
 * Finds any of many texts in one pass over another. It keeps a hash of the last five characters read, which forgets the one before
 * them by itself, and looks closer only where a text that it knows ends in the same hash.
 */
export class SecretMatcher {
  readonly #isTail = new Uint8Array(hashes / 8);
  /** The texts by the hash of their tails, longest first. */
  readonly #byTail = new Map<number, string[]>();
  /** The texts by their first characters. */
  readonly #byHead = new Map<string, string[]>();
  readonly #holders = new Map<string, number>();
  #longest = 0;

  /** A text that is added twice must be removed twice. Of at least five characters. */
  add(text: string): void {
    const holders = this.#holders.get(text) ?? 0;
    this.#holders.set(text, holders + 1);
    if (holders > 0) return;
    const hash = tailHash(text);
    insert(this.#byTail, hash, text);
    insert(this.#byHead, text.slice(0, tailLength), text);
    this.#isTail[hash >>> 3] = (this.#isTail[hash >>> 3] ?? 0) | (1 << (hash & 7));
    this.#longest = Math.max(this.#longest, text.length);
  }

  remove(text: string): void {
    const holders = this.#holders.get(text) ?? 0;
    if (holders > 1) this.#holders.set(text, holders - 1);
    if (holders !== 1) return;
    this.#holders.delete(text);
    const hash = tailHash(text);
    drop(this.#byHead, text.slice(0, tailLength), text);
    if (drop(this.#byTail, hash, text)) this.#isTail[hash >>> 3] = (this.#isTail[hash >>> 3] ?? 0) & ~(1 << (hash & 7));
  }

  /** The text with every stretch replaced that these texts cover; the same text when there is none. */
  replaceIn(text: string): string {
    const ranges = this.#rangesIn(text);
    if (ranges.length === 0) return text;
    let replaced = '';
    let at = 0;
    for (const { from, to } of ranges) {
      replaced += text.slice(at, from) + placeholder;
      at = to;
    }
    return replaced + text.slice(at);
  }

  /** Where the texts are, in order and apart from each other. */
  #rangesIn(text: string): readonly Range[] {
    const ranges: Range[] = [];
    let hash = 0;
    for (let at = 0; at < text.length; at += 1) {
      hash = ((hash << bitsPerCharacter) ^ text.charCodeAt(at)) & (hashes - 1);
      if (((this.#isTail[hash >>> 3] ?? 0) & (1 << (hash & 7))) === 0) continue;
      const to = at + 1;
      const found = this.#byTail.get(hash)?.find((known) => text.startsWith(known, to - known.length));
      if (found !== undefined && found.length <= to) cover(ranges, to - found.length, to);
    }
    if (text.endsWith(ellipsis)) this.#coverCut(ranges, text, text.length - ellipsis.length);
    return ranges;
  }

  /** A message that was cut short may end in the beginning of a secret. */
  #coverCut(ranges: Range[], text: string, to: number): void {
    for (let from = Math.max(0, to - this.#longest); from <= to - tailLength; from += 1) {
      const rest = text.slice(from, to);
      if (this.#byHead.get(rest.slice(0, tailLength))?.some((known) => known.startsWith(rest)) !== true) continue;
      cover(ranges, from, to);
      return;
    }
  }
}

function tailHash(text: string): number {
  let hash = 0;
  for (let at = text.length - tailLength; at < text.length; at += 1) {
    hash = ((hash << bitsPerCharacter) ^ text.charCodeAt(at)) & (hashes - 1);
  }
  return hash;
}

function insert<Key>(index: Map<Key, string[]>, key: Key, text: string): void {
  const texts = index.get(key);
  if (texts === undefined) index.set(key, [text]);
  else texts.splice(placeFor(texts, text.length), 0, text);
}

function placeFor(texts: readonly string[], length: number): number {
  const shorter = texts.findIndex((text) => text.length < length);
  return shorter === -1 ? texts.length : shorter;
}

/** True when nothing is left under that key. */
function drop<Key>(index: Map<Key, string[]>, key: Key, text: string): boolean {
  const texts = index.get(key);
  texts?.splice(texts.indexOf(text), 1);
  return texts?.length === 0 && index.delete(key);
}

/** Adds a range that ends no earlier than any before it; those that it meets become one with it. */
function cover(ranges: Range[], from: number, to: number): void {
  let begins = from;
  for (let last = ranges.at(-1); last !== undefined && last.to >= from; last = ranges.at(-1)) {
    begins = Math.min(begins, last.from);
    ranges.pop();
  }
  ranges.push({ from: begins, to });
}
