import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formsOf } from '../../src/secrets/secret-forms.ts';
import { SecretRegistry } from '../../src/secrets/secret-registry.ts';

/** Few letters, so that secrets overlap, contain each other and begin and end alike. */
const letters = fc.constantFrom('a', 'b', 'c', 'é', '"', '%');
const secret = fc.string({ unit: letters, minLength: 6, maxLength: 9 });
const text = fc.string({ unit: letters, maxLength: 60 });

/** What is to come out, found the slow way: every character that any spelling of any secret covers. */
function expected(secrets: readonly string[], within: string): string {
  const covered = new Set<number>();
  for (const form of secrets.flatMap(formsOf)) {
    for (let at = within.indexOf(form); at !== -1; at = within.indexOf(form, at + 1)) {
      for (let n = 0; n < form.length; n += 1) covered.add(at + n);
    }
  }
  return within
    .split('')
    .map((character, at) => (covered.has(at) ? '\0' : character))
    .join('')
    .replaceAll(/\0+/g, '[secret]');
}

it('replaces exactly the stretches that secrets cover, whatever they have in common', () => {
  fc.assert(
    fc.property(fc.array(secret, { maxLength: 6 }), text, fc.nat({ max: 60 }), (secrets, base, at) => {
      const registry = new SecretRegistry();
      for (const each of secrets) registry.register(each);
      const within = base.slice(0, at) + (secrets[0] ?? '') + base.slice(at);
      expect(registry.scrub(within)).toBe(expected(secrets, within));
    }),
    { numRuns: 2_000 },
  );
});

it('knows after any order of registering and releasing what is still held, and nothing else', () => {
  const steps = fc.array(fc.record({ secret, releases: fc.boolean() }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, text, (all, base) => {
      const registry = new SecretRegistry();
      const held: { readonly value: string; readonly release: () => void }[] = [];
      for (const step of all) {
        if (step.releases && held.length > 0) held.shift()?.release();
        else held.push({ value: step.secret, release: registry.register(step.secret) });
      }
      const within = all.map(({ secret: each }) => each).join('-') + base;
      const values = held.map(({ value }) => value);
      expect(registry.scrub(within)).toBe(expected(values, within));
      expect(registry.isEmpty).toBe(values.length === 0);
    }),
  );
});

it('finds any secret in any encoding with anything around it', () => {
  const any = fc.string({ unit: 'binary', minLength: 6, maxLength: 40 });
  fc.assert(
    fc.property(any, fc.string(), fc.string(), (value, before, after) => {
      const registry = new SecretRegistry();
      registry.register(value);
      fc.pre(!registry.isEmpty);
      const wellFormed = Buffer.from(value).toString() === value;
      const encodings = [
        (whole: string) => whole,
        (whole: string) => JSON.stringify(whole),
        (whole: string) => JSON.stringify({ nested: JSON.stringify(whole) }),
        ...(wellFormed ? [encodeURIComponent, (whole: string) => new URLSearchParams({ q: whole }).toString()] : []),
      ];
      for (const encode of encodings) {
        expect(registry.scrub(before + encode(value) + after)).toContain('[secret]');
      }
      const login = Buffer.concat([Buffer.from(before), Buffer.from(value), Buffer.from(after)]);
      for (const name of ['base64', 'base64url'] as const) {
        expect(registry.scrub(login.toString(name))).toContain('[secret]');
      }
    }),
    { numRuns: 500 },
  );
});
