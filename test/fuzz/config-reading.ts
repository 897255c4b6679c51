import type { LoadedConfig } from '../../src/config/index.ts';
import { ConfigError } from '../../src/errors/config-error.ts';
import { isHoldfastError } from '../../src/errors/holdfast-error.ts';
import { loadText } from '../config/config-fixture.ts';

const SECRET = 'hunter2-hunter2';
const env = { HOME: '/home/me', TOKEN: SECRET };

/** Loads a text as the file `/project/mcp.<ending>`. */
export function load(text: string, ending = 'json'): Promise<LoadedConfig> {
  return loadText(text, { env, cwd: '/project', file: `/project/mcp.${ending}` });
}

/** All that was read, without where in the file it stood. */
export function withoutPlaces({ servers, groups, problems, warnings, settings }: LoadedConfig): unknown {
  const place = { file: '', line: 0, column: 0 };
  return {
    servers: servers.map(({ source: _, ...rest }) => rest),
    groups: groups.map(({ source: _, ...rest }) => rest),
    problems: problems.map((problem) => ({ ...problem, ...place })),
    warnings: warnings.map((warning) => ({ ...warning, ...place })),
    settings,
  };
}

/** What is not as it must be in what comes of a broken file. */
export async function wrongIn(text: string, ending = 'json'): Promise<unknown[]> {
  try {
    return wrongInConfig(await load(text, ending), text);
  } catch (error) {
    return error instanceof Error ? wrongInError(error, text) : [error];
  }
}

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

/** Whether a place is in the text, or where its last line ends. A lone CR ends a line in JSON, and none in TOML. */
function isPlaceIn(text: string): (place: { readonly line: number; readonly column: number }) => boolean {
  const ways = [/\r\n|\r|\n/, /\r?\n/].map((end) => text.split(end));
  return ({ line, column }) =>
    ways.some((lines) => {
      const length = lines[line - 1]?.length;
      return length !== undefined && column >= 1 && column <= length + 1;
    });
}
