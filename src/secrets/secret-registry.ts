import { scrubDeep } from './scrub-deep.ts';
import { formsOf } from './secret-forms.ts';
import { SecretMatcher } from './secret-matcher.ts';

/**
 * The secrets that must appear in nothing that is shown. It knows them by value: whatever text passes through `scrub` is freed of
 * them, wherever they came from and however they were encoded.
 *
 * A manager has one of its own unless it is given one, as the port `secrets`; one may serve several managers, and the application.
 * Memory is about 2 kB for each secret.
 */
export class SecretRegistry {
  readonly #holders = new Map<string, number>();
  #matcher: SecretMatcher | undefined;

  /** True while no secret is registered: then every text is returned as it is, at no cost. */
  get isEmpty(): boolean {
    return this.#holders.size === 0;
  }

  /**
   * Has the value, and its spellings in URLs, JSON and base64, replaced from here on. Returns the way to end that; a value that was
   * registered several times is kept until each of them has ended.
   *
   * Nothing happens for what is too ordinary to be looked for: fewer than 6 characters, fewer than 8 digits, and words such as
   * `localhost` or `production`.
   */
  register(value: string): () => void {
    const holders = this.#holders.get(value) ?? 0;
    const forms = holders === 0 ? formsOf(value) : undefined;
    if (forms?.length === 0) return nothing;
    this.#holders.set(value, holders + 1);
    const matcher = (this.#matcher ??= new SecretMatcher());
    for (const form of forms ?? []) matcher.add(form);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#release(value);
    };
  }

  /** The text with `[secret]` in the place of each secret; the same text when there is none in it. */
  scrub(text: string): string {
    return this.isEmpty || this.#matcher === undefined ? text : this.#matcher.replaceIn(text);
  }

  /**
   * As `scrub`, for plain data and errors, with their causes: the same value when there is nothing to hide in it, else a copy. An error
   * stays an instance of its class. What cannot be looked through (instances of other classes, more than 32 levels or 10 000 values,
   * texts beyond 1 MiB) is named, cut short or left out in the copy.
   */
  scrubDeep(value: Error): Error;
  scrubDeep(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>;
  scrubDeep(value: unknown): unknown;
  scrubDeep(value: unknown): unknown {
    return this.isEmpty ? value : scrubDeep(value, { scrub: (text) => this.scrub(text), hidesByName: false });
  }

  /** As `scrubDeep`, for what is logged: a text under a name that looks like that of a secret is hidden too, registered or not. */
  scrubFields(fields: object): object;
  scrubFields(fields: object): unknown {
    return scrubDeep(fields, { scrub: (text) => this.scrub(text), hidesByName: true });
  }

  #release(value: string): void {
    const holders = this.#holders.get(value) ?? 0;
    if (holders > 1) {
      this.#holders.set(value, holders - 1);
      return;
    }
    this.#holders.delete(value);
    for (const form of formsOf(value)) this.#matcher?.remove(form);
    if (this.isEmpty) this.#matcher = undefined;
  }
}

function nothing(): void {}
