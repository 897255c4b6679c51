import { basename } from 'node:path';

import { inputVariableName } from './input-values.ts';
import { printable } from './printable.ts';

/** What the variables of a configuration file stand for. */
export interface VariableScope {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The value of `${input:id}`; undefined when there is none. */
  readonly inputOf: (id: string) => string | undefined;
  readonly workspaceFolder: string;
  readonly userHome: string;
  readonly pathSeparator: string;
  /** How they are written in this file. Default `dollar`. */
  readonly variables?: 'dollar' | 'braces' | undefined;
  /** Told of each value of an environment variable or an input that went into a text, with its name. */
  readonly onValue?: ((name: string, value: string) => void) | undefined;
}

/** A variable that cannot be expanded. Names it, and never quotes a value. */
export interface VariableFault {
  /** The variable as it is written, without a default, e.g. `${env:TOKEN}`. */
  readonly variable: string;
  readonly problem: string;
  readonly fix: string;
}

/** The expanded text, or every variable in it that has no value. */
export type Expansion =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly faults: readonly VariableFault[] };

/**
 * Expands `${VAR}`, `${VAR:-default}`, `${env:VAR}`, `${input:id}`, `${workspaceFolder}`, `${workspaceFolderBasename}`,
 * `${userHome}`, `${pathSeparator}` and `${/}`, once: what a variable stands for is not looked at again. `$${` is a literal
 * `${`; a `$` without a brace is left as it is. A variable that is set to the empty string is set. Never throws.
 */
export function expandVariables(text: string, scope: VariableScope): Expansion {
  const faults = new Map<string, VariableFault>();
  let expanded = '';
  let from = 0;
  for (let open = text.indexOf('${'); open !== -1; open = text.indexOf('${', from)) {
    if (open > from && text[open - 1] === '$') {
      expanded += `${text.slice(from, open - 1)}\${`;
      from = open + 2;
      continue;
    }
    const close = text.indexOf('}', open);
    if (close === -1) {
      faults.set('', {
        variable: '${',
        problem: 'a variable is opened with ${ and not closed',
        fix: 'add the missing }, or write $${ for a literal ${',
      });
      break;
    }
    const found = resolve(text.slice(open + 2, close), scope);
    if (typeof found === 'string') expanded += text.slice(from, open) + found;
    else faults.set(found.variable, found);
    from = close + 1;
  }
  return faults.size > 0
    ? { ok: false, faults: [...faults.values()] }
    : { ok: true, text: expanded + text.slice(from) };
}

function resolve(body: string, scope: VariableScope): string | VariableFault {
  switch (body) {
    case 'workspaceFolder':
      return scope.workspaceFolder;
    case 'workspaceFolderBasename':
      return basename(scope.workspaceFolder);
    case 'userHome':
      return scope.userHome;
    case '/':
    case 'pathSeparator':
      return scope.pathSeparator;
  }
  const [, prefix, name = ''] = /^(env|input):([^:${}]+)$/.exec(body) ?? [];
  if (prefix === 'env') return lookUp(scope, name) ?? unset(`\${env:${printable(name)}}`, name);
  if (prefix === 'input') return told(scope, name, scope.inputOf(name)) ?? withoutInput(name);

  const [, variable, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/.exec(body) ?? [];
  if (variable === undefined) return unknownForm(body);
  if (fallback?.includes('${') === true) {
    const written = `\${${printable(variable)}}`;
    return {
      variable: written,
      problem: `the default of ${written} holds another variable`,
      fix: 'write the default out; it is taken literally',
    };
  }
  return lookUp(scope, variable) ?? fallback ?? unset(`\${${printable(variable)}}`, variable);
}

/** The value of an environment variable, and whoever wants to know of it is told. */
export function lookUp(scope: VariableScope, name: string): string | undefined {
  return told(scope, name, Object.hasOwn(scope.env, name) ? scope.env[name] : undefined);
}

function told(scope: VariableScope, name: string, value: string | undefined): string | undefined {
  if (value !== undefined) scope.onValue?.(name, value);
  return value;
}

function unset(variable: string, name: string): VariableFault {
  const orDefault = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `, or write \${${printable(name)}:-value}` : '';
  return {
    variable,
    problem: `the variable ${printable(name)} is not set and has no default`,
    fix: `set ${printable(name)} in the environment${orDefault}`,
  };
}

function withoutInput(id: string): VariableFault {
  return {
    variable: `\${input:${printable(id)}}`,
    problem: `the input ${printable(id)} has no value and no default`,
    fix: `set ${inputVariableName(printable(id))} in the environment, or give "inputs" a default for it`,
  };
}

/** Quotes no more than the leading name: in `${TOKEN:secret}` the rest is a mistyped default. */
function unknownForm(body: string): VariableFault {
  const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(body)?.[0];
  const variable = name === undefined ? '${…}' : name === body ? `\${${printable(name)}}` : `\${${printable(name)}…}`;
  return {
    variable,
    problem: `${variable} is not a form of variable that is known`,
    fix: 'write ${VAR}, ${VAR:-default}, ${env:VAR}, ${input:id}, ${workspaceFolder} or ${userHome}; a literal ${ is written $${',
  };
}
