/** A value that came into a configuration from outside of its file, and what it was called there. */
export interface ExpandedValue {
  /** The variable of `${VAR}` and `${env:VAR}`, or the id of `${input:id}`. */
  readonly name: string;
  readonly value: string;
}

/** Beside the specs and not in them: whoever prints, compares or serialises a spec meets none of this. */
const expansions = new WeakMap<object, readonly ExpandedValue[]>();

/** Remembers what was expanded in an entry by its `env` or `headers`, which go with a spec into whatever is made of it. */
export function noteExpanded(holder: object, values: readonly ExpandedValue[]): void {
  if (values.length > 0) expansions.set(holder, values);
}

/** What was expanded in the entry that this `env` or these `headers` come from; empty for any other object. */
export function expandedIn(holder: object): readonly ExpandedValue[] {
  return expansions.get(holder) ?? [];
}

/** Returns the copy, which is known by the same expansions as the original. */
export function withExpanded<Copy extends object>(copy: Copy, original: object): Copy {
  noteExpanded(copy, expandedIn(original));
  return copy;
}
