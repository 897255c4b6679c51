import { expect, it } from 'vitest';
import { describeParameters, readArguments } from '../../src/cli/parameters.ts';

const schema = {
  properties: {
    text: { type: 'string' },
    times: { type: 'integer' },
    either: { type: ['number', 'string'] },
    list: { type: 'array' },
    flag: { type: 'boolean' },
  },
  required: ['text'],
};

it('parameters are told with their types, optional ones in brackets', () => {
  expect(describeParameters(schema)).toBe(
    '  text=<string> [times=<integer>] [either=<number|string>] [list=<array>] [flag=<boolean>]',
  );
  expect([describeParameters(undefined), describeParameters({ properties: {} })]).toEqual(['', '']);
});

const read: readonly [string, readonly string[], unknown][] = [
  ['texts as they are', ['text=007', 'either=1'], { text: '007', either: '1' }],
  [
    'numbers, flags and lists as JSON',
    ['times=3', 'flag=true', 'list=[1,"a"]'],
    { times: 3, flag: true, list: [1, 'a'] },
  ],
  ['an equals sign in a value', ['text=a=b'], { text: 'a=b' }],
  ['an empty text', ['text='], { text: '' }],
  ['what is not declared as JSON, else as text', ['x=1', 'y=one'], { x: 1, y: 'one' }],
  ['JSON where it is asked for', ['text:={"a":1}'], { text: { a: 1 } }],
];

it.each(read)('%s', (_what, pairs, args) => {
  expect(readArguments(pairs, schema)).toEqual({ args });
});

const refused: readonly [readonly string[], string][] = [
  [['text'], '"text" is no argument: write name=value'],
  [['=x'], '"=x" is no argument: write name=value'],
  [['times=three'], 'the argument "times" must be integer'],
  [['x:=one'], 'the argument "x" must be JSON'],
  [['text=a', 'text=b'], 'the argument "text" is given twice'],
];

it.each(refused)('%j is refused', (pairs, problem) => {
  expect(readArguments(pairs, schema)).toEqual({ problem });
});
