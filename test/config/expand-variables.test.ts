import { describe, expect, it } from 'vitest';

import { expandVariables } from '../../src/config/expand-variables.ts';
import type { VariableScope } from '../../src/config/expand-variables.ts';

const scope: VariableScope = {
  env: { HOST: 'example.com', EMPTY: '', NESTED: '${HOST}', UNSET: undefined, 'ProgramFiles(x86)': 'C:\\x86' },
  inputOf: (id) => (id === 'key' ? 'value' : undefined),
  workspaceFolder: '/home/me/project',
  userHome: '/home/me',
  pathSeparator: '/',
};

describe('expansion', () => {
  const expanded: readonly (readonly [text: string, result: string])[] = [
    ['plain', 'plain'],
    ['${HOST}', 'example.com'],
    ['https://${HOST}:${HOST}/', 'https://example.com:example.com/'],
    ['${env:HOST}', 'example.com'],
    ['${env:ProgramFiles(x86)}', 'C:\\x86'],
    ['${HOST:-other}', 'example.com'],
    ['${MISSING:-other}', 'other'],
    ['${UNSET:-other}', 'other'],
    ['${MISSING:-}', ''],
    ['${MISSING:-a:-b}', 'a:-b'],
    ['${MISSING:-a\nb}', 'a\nb'],
    ['${EMPTY}', ''],
    ['${EMPTY:-other}', ''],
    ['${env:EMPTY}', ''],
    ['${input:key}', 'value'],
    ['${workspaceFolder}/src', '/home/me/project/src'],
    ['${workspaceFolderBasename}', 'project'],
    ['${userHome}${/}x${pathSeparator}y', '/home/me/x/y'],
    ['${NESTED}', '${HOST}'],
    ['$${HOST}', '${HOST}'],
    ['$$${HOST}', '$${HOST}'],
    ['${HOST}$${HOST}${HOST}', 'example.com${HOST}example.com'],
    ['$HOST $$HOST $ $$ {HOST} }', '$HOST $$HOST $ $$ {HOST} }'],
    ['$(touch /tmp/x) `id` %HOST%', '$(touch /tmp/x) `id` %HOST%'],
  ];
  it.each(expanded)('%j becomes %j', (text, result) => {
    expect(expandVariables(text, scope)).toEqual({ ok: true, text: result });
  });

  const unknown =
    'write ${VAR}, ${VAR:-default}, ${env:VAR}, ${input:id}, ${workspaceFolder} or ${userHome}; a literal ${ is written $${';
  const form = (variable: string): object => ({
    variable,
    problem: `${variable} is not a form of variable that is known`,
    fix: unknown,
  });
  const refused: readonly (readonly [text: string, faults: readonly object[]])[] = [
    [
      '${MISSING}',
      [
        {
          variable: '${MISSING}',
          problem: 'the variable MISSING is not set and has no default',
          fix: 'set MISSING in the environment, or write ${MISSING:-value}',
        },
      ],
    ],
    [
      '${env:MISSING}',
      [
        {
          variable: '${env:MISSING}',
          problem: 'the variable MISSING is not set and has no default',
          fix: 'set MISSING in the environment, or write ${MISSING:-value}',
        },
      ],
    ],
    [
      '${env:No(x86)}',
      [
        {
          variable: '${env:No(x86)}',
          problem: 'the variable No(x86) is not set and has no default',
          fix: 'set No(x86) in the environment',
        },
      ],
    ],
    [
      '${input:none}',
      [
        {
          variable: '${input:none}',
          problem: 'the input none has no value and no default',
          fix: 'set MCP_INPUT_NONE in the environment, or give "inputs" a default for it',
        },
      ],
    ],
    [
      '${constructor}${__proto__}',
      ['constructor', '__proto__'].map((name) => ({
        variable: `\${${name}}`,
        problem: `the variable ${name} is not set and has no default`,
        fix: `set ${name} in the environment, or write \${${name}:-value}`,
      })),
    ],
    ['${command:pick}', [form('${command…}')]],
    ['${config:editor.font}', [form('${config…}')]],
    ['${HOST:default}', [form('${HOST…}')]],
    ['${HOST-default}', [form('${HOST…}')]],
    ['${env:HOST:-x}', [form('${env…}')]],
    ['${env:}', [form('${env…}')]],
    ['${}', [form('${…}')]],
    ['${ HOST }', [form('${…}')]],
    ['${1}', [form('${…}')]],
    [
      '${HOST:-${OTHER}}',
      [
        {
          variable: '${HOST}',
          problem: 'the default of ${HOST} holds another variable',
          fix: 'write the default out; it is taken literally',
        },
      ],
    ],
    [
      'a ${HOST',
      [
        {
          variable: '${',
          problem: 'a variable is opened with ${ and not closed',
          fix: 'add the missing }, or write $${ for a literal ${',
        },
      ],
    ],
  ];
  it.each(refused)('%j is refused', (text, faults) => {
    expect(expandVariables(text, scope)).toEqual({ ok: false, faults });
  });
});
