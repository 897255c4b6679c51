// Takes the pictures of docs/images: the dashboard over real servers, two of which do not work. Needs a build, and Chromium (CHROMIUM, or
// /usr/bin/chromium): `npm run build && node scripts/screenshots.mjs`.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const root = join(import.meta.dirname, '..');
const images = join(root, 'docs', 'images');
const temporary = mkdtempSync(join(tmpdir(), 'holdfast-pictures-'));
const server = (name, ...args) => ({
  command: process.execPath,
  args: [join(root, 'node_modules/@modelcontextprotocol', name, 'dist/index.js'), ...args],
});
const config = {
  mcpServers: {
    everything: server('server-everything', 'stdio'),
    filesystem: server('server-filesystem', temporary),
    memory: { command: process.execPath, args: ['-e', 'console.error("the disk is full"); process.exit(3)'] },
    'memory-standby': server('server-memory'),
    search: { url: 'http://127.0.0.1:9/mcp' },
    thinking: server('server-sequential-thinking'),
  },
  holdfast: { groups: { knowledge: { primary: 'memory', backups: ['memory-standby'] } } },
};
const calls = {
  everything: { tool: 'echo', arguments: { message: 'hello' } },
  filesystem: { tool: 'list_directory', arguments: { path: temporary } },
  'memory-standby': { tool: 'read_graph' },
};
const file = join(temporary, 'mcp.json');
writeFileSync(file, JSON.stringify(config, null, 2));
const up = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'up', '--json', '--listen', '0', file], {
  env: { ...process.env, XDG_RUNTIME_DIR: temporary },
  cwd: temporary,
  stdio: ['ignore', 'pipe', 'inherit'],
});
let fed = '';
up.stdout.on('data', (chunk) => (fed += chunk));
const until = async (holds) => {
  while (!holds()) await new Promise((resolve) => up.stdout.once('data', resolve));
};
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});
try {
  const isHealthy = (id) => new RegExp(`"serverId":"${id}"[^\\n]*"to":"healthy"`, 'u').test(fed);
  await until(() => [...Object.keys(calls), 'thinking'].every(isHealthy));
  await until(() => (fed.match(/"type":"reconnectScheduled"/gu) ?? []).length >= 8);
  const [word] = readdirSync(join(temporary, 'holdfast'));
  const { url, token } = JSON.parse(readFileSync(join(temporary, 'holdfast', word), 'utf8'));
  mkdirSync(images, { recursive: true });
  for (const [name, colorScheme, width, height] of [
    ['light', 'light', 1280, 940],
    ['dark', 'dark', 1280, 940],
    ['phone', 'dark', 390, 844],
  ]) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height } });
    await page.goto(`${url}#token=${token}`);
    await page.getByRole('article', { name: 'group knowledge' }).waitFor();
    for (let times = 0; times < 40; times += 1) {
      for (const [id, data] of Object.entries(calls))
        await page.request.post(`${url}api/sessions/${id}/call`, { data });
      // One frame, so that the page has seen this latency before the next.
      await page.evaluate('new Promise((resolve) => setTimeout(resolve, 60))');
    }
    await page.screenshot({ path: join(images, `dashboard-${name}.png`) });
    if (name !== 'phone') {
      await page.getByRole('button', { name: 'Details of memory', exact: true }).click();
      await page.locator('.statechart .leaf').first().waitFor();
      await page.screenshot({ path: join(images, `statechart-${name}.png`) });
    }
    await page.close();
  }
} finally {
  await browser.close();
  up.kill('SIGINT');
  await new Promise((resolve) => up.once('exit', resolve));
  rmSync(temporary, { recursive: true });
}
