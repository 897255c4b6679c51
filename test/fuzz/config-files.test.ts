import fc from 'fast-check';
import { expect, it } from 'vitest';
import { load, withoutPlaces, wrongIn } from './config-reading.ts';
import { brokenLines, tomlText, yamlText } from './config-formats.ts';
import { brokenFile, layout, validFile, written } from './config-text.ts';
import { fuzz } from './fuzz.ts';

const plain = { between: [''], endsWithCommas: false };

it('a file that is right is read without a problem, and comments and commas change nothing in what it says', async () => {
  await fuzz('pure', fc.record({ tree: validFile, layout }), async (input) => {
    const config = await load(written(input.tree, plain));
    expect(config.problems).toEqual([]);
    expect(withoutPlaces(await load(written(input.tree, input.layout)))).toEqual(withoutPlaces(config));
  });
});

it('a broken file is one ConfigError, or keeps out no more than what is broken; places are in it and secrets are not told', async () => {
  await fuzz('pure', brokenFile, async (bytes) => {
    expect(await wrongIn(bytes.toString('utf8'))).toEqual([]);
  });
});

it.each([
  ['YAML', 'yaml', yamlText],
  ['TOML', 'toml', tomlText],
])('a file that is right says the same in %s', async (_name, ending, write) => {
  await fuzz('pure', validFile, async (tree) => {
    const config = await load(write(tree), ending);
    expect(withoutPlaces(config)).toEqual(withoutPlaces(await load(written(tree, plain))));
  });
});

it.each([
  ['YAML', 'yaml', yamlText],
  ['TOML', 'toml', tomlText],
])('a broken file in %s is one ConfigError, or keeps out no more than what is broken', async (_name, ending, write) => {
  await fuzz('pure', brokenLines(write), async (bytes) => {
    expect(await wrongIn(bytes.toString('utf8'), ending)).toEqual([]);
  });
});
