import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { homedir } from 'node:os';
import type { DialectName } from './dialects.ts';

/** A configuration of a host that is installed on this machine. */
export interface InstalledConfig {
  /** The host, for people: `Claude Desktop`. */
  readonly host: string;
  readonly dialect: DialectName;
  /** `user`: of everything that this person does with the host; `project`: of this folder. */
  readonly scope: 'user' | 'project';
  /** Absolute. */
  readonly file: string;
}

/** Where `findInstalledConfigs` looks. Every part is optional. */
export interface InstalledConfigsOptions {
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The folder of the project. Default: `process.cwd()`. */
  readonly cwd?: string | undefined;
  /** Default: this one. */
  readonly platform?: NodeJS.Platform | undefined;
}

type Place = readonly [host: string, dialect: DialectName, path: readonly string[]];

const projectPlaces: readonly Place[] = [
  ['Claude Code', 'claude', ['.mcp.json']],
  ['VS Code', 'vscode', ['.vscode', 'mcp.json']],
  ['Cursor', 'claude', ['.cursor', 'mcp.json']],
  ['Roo Code', 'roo', ['.roo', 'mcp.json']],
  ['Gemini CLI', 'gemini', ['.gemini', 'settings.json']],
  ['Codex', 'codex', ['.codex', 'config.toml']],
  ['Zed', 'zed', ['.zed', 'settings.json']],
  ['opencode', 'opencode', ['opencode.json']],
  ['LibreChat', 'librechat', ['librechat.yaml']],
];

/** Below the home directory, wherever that is. */
const homePlaces: readonly Place[] = [
  ['Claude Code', 'claude', ['.claude.json']],
  ['Cursor', 'claude', ['.cursor', 'mcp.json']],
  ['Windsurf', 'windsurf', ['.codeium', 'windsurf', 'mcp_config.json']],
  ['Gemini CLI', 'gemini', ['.gemini', 'settings.json']],
  ['Codex', 'codex', ['.codex', 'config.toml']],
  ['Continue', 'continue', ['.continue', 'config.yaml']],
  ['GitHub Copilot CLI', 'claude', ['.copilot', 'mcp-config.json']],
];

/** Below the folder where programs keep their settings. */
const settingsPlaces: readonly Place[] = [
  ['Claude Desktop', 'claude', ['Claude', 'claude_desktop_config.json']],
  ['VS Code', 'vscode', ['Code', 'User', 'mcp.json']],
  [
    'Cline',
    'cline',
    ['Code', 'User', 'globalStorage', 'saoudrizwan.claude-dev', 'settings', 'cline_mcp_settings.json'],
  ],
  ['Roo Code', 'roo', ['Code', 'User', 'globalStorage', 'rooveterinaryinc.roo-cline', 'settings', 'mcp_settings.json']],
];

/** Below the folder where Unix programs keep them, on macOS too. */
const unixPlaces: readonly Place[] = [
  ['Zed', 'zed', ['zed', 'settings.json']],
  ['opencode', 'opencode', ['opencode', 'opencode.json']],
];

/**
 * The configurations of other hosts that exist on this machine: of this person first, then of the project in `cwd`. Reads none of them; a file
 * may hold no servers at all.
 */
export async function findInstalledConfigs(options: InstalledConfigsOptions = {}): Promise<readonly InstalledConfig[]> {
  const { env = process.env, cwd = process.cwd(), platform = process.platform } = options;
  const home = env[platform === 'win32' ? 'USERPROFILE' : 'HOME'] || homedir();
  const unix = env['XDG_CONFIG_HOME'] || join(home, '.config');
  const settings = settingsFolder(platform, env, home, unix);
  const candidates = [
    ...inFolder(settings, settingsPlaces, 'user'),
    ...inFolder(home, homePlaces, 'user'),
    ...inFolder(platform === 'win32' ? settings : unix, unixPlaces, 'user'),
    ...inFolder(cwd, projectPlaces, 'project'),
  ];
  const found = await Promise.all(candidates.map(async (each) => ((await exists(each.file)) ? each : undefined)));
  const files = new Set<string>();
  return found.flatMap((each) => {
    if (each === undefined || files.has(each.file)) return [];
    files.add(each.file);
    return [each];
  });
}

function settingsFolder(
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
  unix: string,
): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  return platform === 'win32' ? env['APPDATA'] || join(home, 'AppData', 'Roaming') : unix;
}

function inFolder(
  folder: string,
  places: readonly Place[],
  scope: InstalledConfig['scope'],
): readonly InstalledConfig[] {
  return places.map(([host, dialect, path]) => ({ host, dialect, scope, file: join(folder, ...path) }));
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
