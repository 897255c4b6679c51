import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { findInstalledConfigs } from '../../src/config/index.ts';

function machineWith(...files: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-hosts-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true });
  });
  for (const file of files) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), '{}');
  }
  return root;
}

async function found(
  root: string,
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const configs = await findInstalledConfigs({ platform, env, cwd: join(root, 'project') });
  return configs.map(({ host, dialect, scope, file }) => `${scope}: ${host} (${dialect}) ${relative(root, file)}`);
}

it('finds those of this person, then those of the project, on Linux', async () => {
  const root = machineWith(
    'home/.config/Claude/claude_desktop_config.json',
    'home/.config/Code/User/mcp.json',
    'home/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
    'home/.config/zed/settings.json',
    'home/.claude.json',
    'home/.codex/config.toml',
    'project/.mcp.json',
    'project/.roo/mcp.json',
    'project/mcp.json',
  );
  expect(await found(root, 'linux', { HOME: join(root, 'home') })).toEqual([
    'user: Claude Desktop (claude) home/.config/Claude/claude_desktop_config.json',
    'user: VS Code (vscode) home/.config/Code/User/mcp.json',
    'user: Cline (cline) home/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
    'user: Claude Code (claude) home/.claude.json',
    'user: Codex (codex) home/.codex/config.toml',
    'user: Zed (zed) home/.config/zed/settings.json',
    'project: Claude Code (claude) project/.mcp.json',
    'project: Roo Code (roo) project/.roo/mcp.json',
  ]);
});

it.each<readonly [NodeJS.Platform, Readonly<Record<string, string>>, string, string]>([
  ['darwin', {}, 'home/Library/Application Support', 'home/.config'],
  ['win32', { APPDATA: 'roaming' }, 'roaming', 'roaming'],
  ['linux', { XDG_CONFIG_HOME: 'xdg' }, 'xdg', 'xdg'],
])('looks where programs keep their settings on %s', async (platform, env, settings, unix) => {
  const claude = `${settings}/Claude/claude_desktop_config.json`;
  const zed = `${unix}/zed/settings.json`;
  const root = machineWith(claude, zed);
  const home = join(root, 'home');
  const paths = Object.entries(env).map(([name, path]) => [name, join(root, path)]);
  const seen = await found(root, platform, { HOME: home, USERPROFILE: home, ...Object.fromEntries(paths) });
  expect(seen).toEqual([`user: Claude Desktop (claude) ${claude}`, `user: Zed (zed) ${zed}`]);
});

it('tells a file once, where the home directory is the project', async () => {
  const root = machineWith('project/.gemini/settings.json');
  expect(await found(root, 'linux', { HOME: join(root, 'project') })).toEqual([
    'user: Gemini CLI (gemini) project/.gemini/settings.json',
  ]);
});

it('finds nothing on an empty machine', async () => {
  const root = machineWith();
  expect(await found(root, 'linux', { HOME: join(root, 'home') })).toEqual([]);
});
