import type { Expansion, VariableFault, VariableScope } from './expand-variables.ts';
import { lookUp } from './expand-variables.ts';
import { printable } from './printable.ts';

const reference = /\{(env|file):([^{}]*)\}/gu;

/**
 * Expands `{env:VAR}`, once: what a variable stands for is not looked at again. Any other brace is left as it is; `{file:path}` is not read,
 * and is a fault. Never throws.
 */
export function expandBraces(text: string, scope: VariableScope): Expansion {
  const faults = new Map<string, VariableFault>();
  const expanded = text.replaceAll(reference, (_written, kind: string, name: string) => {
    const value = kind === 'env' ? lookUp(scope, name) : undefined;
    if (value !== undefined) return value;
    const variable = `{${kind}:${printable(name)}}`;
    faults.set(variable, kind === 'env' ? unset(variable, printable(name)) : unread(variable));
    return '';
  });
  return faults.size > 0 ? { ok: false, faults: [...faults.values()] } : { ok: true, text: expanded };
}

function unset(variable: string, name: string): VariableFault {
  return { variable, problem: `the variable ${name} is not set`, fix: `set ${name} in the environment` };
}

function unread(variable: string): VariableFault {
  return {
    variable,
    problem: `${variable} is not read: holdfast reads no file into a value`,
    fix: 'put the value into the environment and write {env:NAME}',
  };
}
