import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { expandVariables } from '../../src/config/expand-variables.ts';
import type { VariableScope } from '../../src/config/expand-variables.ts';
import { loadText } from './config-fixture.ts';

const scopeOf = (env: Record<string, string>): VariableScope => ({
  env,
  inputOf: (id) => env[id],
  workspaceFolder: '/w',
  userHome: '/h',
  pathSeparator: '/',
});

/** Text in which variables, escapes and their ruins are frequent. */
const template = fc
  .array(
    fc.oneof(
      fc.constantFrom('$', '{', '}', '${', '$${', ':', ':-', 'env:', 'input:', 'A', 'B', '${A}', '${env:B}'),
      fc.string(),
    ),
  )
  .map((parts) => parts.join(''));
const env = fc.record({ A: template, B: template }, { requiredKeys: [] });

describe('expansion of any text', () => {
  it('never throws, and what it refuses it refuses with at least one fault that has words and a fix', () => {
    fc.assert(
      fc.property(template, env, (text, variables) => {
        const expansion = expandVariables(text, scopeOf(variables));
        if (expansion.ok) return;
        expect(expansion.faults.length).toBeGreaterThan(0);
        for (const fault of expansion.faults) {
          expect(fault.problem).not.toBe('');
          expect(fault.fix).not.toBe('');
        }
      }),
    );
  });

  it('is the identity for text without ${', () => {
    fc.assert(
      fc.property(
        template.map((text) => text.replaceAll('${', '')).filter((text) => !text.includes('${')),
        env,
        (text, variables) => {
          expect(expandVariables(text, scopeOf(variables))).toEqual({ ok: true, text });
        },
      ),
    );
  });

  it('happens once: a value comes out as it is, whatever it holds', () => {
    fc.assert(
      fc.property(template, template, (before, value) => {
        const literal = before.replaceAll('$', '');
        expect(expandVariables(`${literal}\${A}\${env:A}\${input:A}`, scopeOf({ A: value }))).toEqual({
          ok: true,
          text: literal + value + value + value,
        });
      }),
    );
  });

  it('of a text in which every ${ is escaped gives the text back', () => {
    fc.assert(
      fc.property(
        template.map((text) => text.replaceAll('$', '')),
        template.map((text) => text.replaceAll('$', '')),
        (before, after) => {
          expect(expandVariables(`${before}$\${${after}`, scopeOf({}))).toEqual({
            ok: true,
            text: `${before}\${${after}`,
          });
        },
      ),
    );
  });

  it('never lets a value into a message', () => {
    fc.assert(
      fc.property(template, (text) => {
        const secret = 'hunter2-hunter2';
        const expansion = expandVariables(`${text}}\${NOT SET}`, scopeOf({ A: secret, B: secret }));
        expect(JSON.stringify(expansion.ok ? [] : expansion.faults)).not.toContain(secret);
      }),
    );
  });
});

describe('loading any text', () => {
  it('gives a result or a ConfigError, never another error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.json(),
          template.map((text) => JSON.stringify({ mcpServers: { a: { command: text } } })),
        ),
        async (text) => {
          const outcome: unknown = await loadText(text).catch((error: unknown) => error);
          expect(outcome instanceof Error ? outcome.name : 'loaded').toMatch(/^(ConfigError|loaded)$/);
        },
      ),
    );
  });

  it('never throws for any JSON as an entry, and gives either the server or a problem', async () => {
    const key = fc.constantFrom(
      'type',
      'command',
      'args',
      'url',
      'env',
      'headers',
      'cwd',
      'disabled',
      'enabled',
      'envFile',
      '__proto__',
      'x',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.oneof(fc.jsonValue(), template))),
        async (entry) => {
          const config = await loadText(JSON.stringify({ mcpServers: { a: entry }, holdfast: {} }));
          const disabled = config.warnings.some(({ message }) => message.startsWith('disabled: '));
          expect(config.servers.length === 1).toBe(config.problems.length === 0 && !disabled);
        },
      ),
    );
  });
});
