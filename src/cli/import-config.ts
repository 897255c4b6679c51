import { homedir } from 'node:os';
import { sep } from 'node:path';
import { ConfigError, findInstalledConfigs, loadConfig } from '../config/index.ts';
import type { InstalledConfig } from '../config/index.ts';
import { exitCode } from './exit-codes.ts';
import { onOneLine, shownId } from './terminal-text.ts';

/** How the configurations that were found are to be told. */
export type ImportFormat = 'table' | 'json' | 'extends';

interface Found extends InstalledConfig {
  readonly servers: readonly string[];
  /** How many servers in it cannot be used as they are. */
  readonly refused: number;
  /** Why it cannot be read; null where it can. */
  readonly problem: string | null;
}

/**
 * Lists the configurations of other hosts that are on this machine, with their servers; as `extends` the text of a `holdfast.json` that builds
 * on all of them. Changes nothing. Resolves to the exit code: 1 where there are none.
 */
export async function importConfig(format: ImportFormat): Promise<number> {
  const found = await Promise.all((await findInstalledConfigs()).map(read));
  const usable = found.filter(({ servers }) => servers.length > 0);
  switch (format) {
    case 'json':
      process.stdout.write(`${JSON.stringify({ schema: 'holdfast/v1', configs: found })}\n`);
      break;
    case 'extends':
      process.stdout.write(`${JSON.stringify({ extends: usable.map(({ file }) => fromHome(file)) }, null, 2)}\n`);
      break;
    case 'table':
      process.stdout.write(table(found));
  }
  return usable.length === 0 ? exitCode.failed : exitCode.ok;
}

async function read(config: InstalledConfig): Promise<Found> {
  try {
    const { servers, problems } = await loadConfig(config.file, { dialect: config.dialect });
    const refused = new Set(problems.flatMap(({ serverId }) => serverId ?? [])).size;
    return { ...config, servers: servers.map(({ id }) => id), refused, problem: null };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { ...config, servers: [], refused: 0, problem: error.problem };
  }
}

function table(found: readonly Found[]): string {
  if (found.length === 0) return 'No host with a configuration of MCP servers was found.\n';
  const rows = found.map(({ host, scope, file, servers, refused, problem }) => {
    const ids = servers.map(shownId).join(', ');
    const more = refused === 0 ? '' : `${ids === '' ? '' : ', '}${refused} that cannot be used`;
    return [host, scope, fromHome(file), problem === null ? `${ids}${more}` || 'no servers' : `– ${problem}`];
  });
  const heading = ['host', 'scope', 'file', 'servers'];
  const widths = heading.map((_name, column) => Math.max(...[heading, ...rows].map((row) => row[column]?.length ?? 0)));
  return [heading, ...rows]
    .map((row) =>
      row
        .map((cell, column) => onOneLine(cell).padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function fromHome(file: string): string {
  const home = homedir();
  return file.startsWith(home + sep) ? `~${file.slice(home.length)}` : file;
}
