import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LoadedConfig } from '../../src/config/index.ts';
import { ConfigError } from '../../src/errors/config-error.ts';
import { isHoldfastError } from '../../src/errors/holdfast-error.ts';
import { loadText } from '../config/config-fixture.ts';
import { brokenFile, layout, validFile, written } from './config-text.ts';
import { fuzz } from './fuzz.ts';

const SECRET = 'hunter2-hunter2';
const env = { HOME: '/home/me', TOKEN: SECRET };
const plain = { between: [''], endsWithCommas: false };

const load = (text: string): Promise<LoadedConfig> => loadText(text, { env, cwd: '/project' });

/** All that was read, without where in the file it stood. */
function withoutPlaces({ servers, groups, problems, warnings, settings }: LoadedConfig): unknown {
  const place = { line: 0, column: 0 };
  return {
    servers: servers.map(({ source: _, ...rest }) => rest),
    groups: groups.map(({ source: _, ...rest }) => rest),
    problems: problems.map((problem) => ({ ...problem, ...place })),
    warnings: warnings.map((warning) => ({ ...warning, ...place })),
    settings,
  };
}

it('a file that is right is read without a problem, and comments and commas change nothing in what it says', async () => {
  await fuzz('pure', fc.record({ tree: validFile, layout }), async (input) => {
    const config = await load(written(input.tree, plain));
    expect(config.problems).toEqual([]);
    expect(withoutPlaces(await load(written(input.tree, input.layout)))).toEqual(withoutPlaces(config));
  });
});

it('a broken file is one ConfigError, or keeps out no more than what is broken; places are in it and secrets are not told', async () => {
  await fuzz('pure', brokenFile, async (bytes) => {
    const text = bytes.toString('utf8');
    const outcome: unknown = await load(text).catch((error: unknown) => error);
    expect(
      outcome instanceof Error ? wrongInError(outcome, text) : wrongInConfig(outcome as LoadedConfig, text),
    ).toEqual([]);
  });
});

function wrongInError(error: Error, text: string): unknown[] {
  if (!(error instanceof ConfigError) || !isHoldfastError(error)) return [error];
  return isPlaceIn(text)(error) && !error.message.includes(SECRET) ? [] : [error.message];
}

function wrongInConfig({ servers, groups, problems, warnings }: LoadedConfig, text: string): unknown[] {
  const isIn = isPlaceIn(text);
  const ids = servers.map(({ id }) => id);
  const members = groups.flatMap(({ config: { primary, backups } }) => [primary, ...backups]);
  return [
    ...ids.filter((id, index) => ids.indexOf(id) !== index),
    ...members.filter((member) => !ids.includes(member)),
    ...problems.filter((each) => !isIn(each) || each.problem === '' || each.fix === ''),
    ...problems.filter(({ problem, fix, field }) => `${problem} ${fix} ${field}`.includes(SECRET)),
    ...problems.filter(({ serverId }) => serverId !== null && ids.includes(serverId)),
    ...warnings.filter((each) => !isIn(each) || `${each.message} ${each.field}`.includes(SECRET)),
  ];
}

/** Whether a place is in the text, or where its last line ends. */
function isPlaceIn(text: string): (place: { readonly line: number; readonly column: number }) => boolean {
  const lines = text.split(/\r\n|\r|\n/);
  return ({ line, column }) => {
    const length = lines[line - 1]?.length;
    return length !== undefined && column >= 1 && column <= length + 1;
  };
}
