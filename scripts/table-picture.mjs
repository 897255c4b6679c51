// Takes the pictures docs/images/table-*.png: the live table of `npm start` in a real terminal, with a primary killed a moment ago. Needs a build,
// tmux, and Chromium (CHROMIUM, or /usr/bin/chromium): `npm run build && node scripts/table-picture.mjs`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const root = join(import.meta.dirname, '..');
const images = join(root, 'docs', 'images');
const temporary = mkdtempSync(join(tmpdir(), 'holdfast-pictures-'));
const tmux = (...args) =>
  execFileSync('tmux', ['-L', 'holdfast-picture', '-f', '/dev/null', ...args], { encoding: 'utf8' });
const screen = () => tmux('capture-pane', '-p');
const shows = async (what) => {
  for (const until = Date.now() + 60_000; Date.now() < until;) {
    const found = what.exec(screen());
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`The table does not show ${what}:\n${screen()}`);
};

const colors = {
  dark: { paper: '#0d1117', ink: '#e6edf3', 31: '#ff7b72', 32: '#3fb950', 33: '#d29922', 36: '#39c5cf', 90: '#8b949e' },
  light: {
    paper: '#ffffff',
    ink: '#1f2328',
    31: '#cf222e',
    32: '#1a7f37',
    33: '#9a6700',
    36: '#1b7c83',
    90: '#57606a',
  },
};

/** Text with the escape sequences of colours as markup. */
function markup(text, palette) {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  let style = { bold: false, dim: false, color: '' };
  return escaped
    .split('\u001B')
    .map((part) => {
      const [sequence = '', codes = ''] = /^\[([\d;]*)m/u.exec(part) ?? [];
      if (sequence !== '') {
        for (const code of codes === '' ? ['0'] : codes.split(';')) {
          if (code === '0') style = { bold: false, dim: false, color: '' };
          else if (code === '1') style.bold = true;
          else if (code === '2') style.dim = true;
          else if (code === '39') style.color = '';
          else style.color = palette[code] ?? style.color;
        }
      }
      const rules = [
        style.bold && 'font-weight:bold',
        style.dim && 'opacity:.6',
        style.color && `color:${style.color}`,
      ];
      return `<span style="${rules.filter(Boolean).join(';')}">${part.slice(sequence.length)}</span>`;
    })
    .join('');
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});
try {
  const up = `${process.execPath} --import ./examples/with-http-server.mjs dist/cli/main.js up --listen 0 examples/servers.json`;
  tmux('new-session', '-d', '-x', '124', '-y', '27', '-c', root, `XDG_RUNTIME_DIR=${temporary} FORCE_COLOR=1 ${up}`);
  await shows(/6 healthy/u);
  const [, pid] = await shows(/^memory +healthy +◂? +(\d+)/mu);
  process.kill(Number(pid), 'SIGKILL');
  await shows(/back on memory in/u);
  const shot = tmux('capture-pane', '-ep')
    .trimEnd()
    .replace(/#token=[\w-]+/u, '#token=…')
    .replace(/(dashboard: \S+1):\d+/u, '$1:7407');
  mkdirSync(images, { recursive: true });
  for (const [name, palette] of Object.entries(colors)) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, deviceScaleFactor: 2 });
    await page.setContent(
      `<body style="margin:0;background:${palette.paper};color:${palette.ink}"><pre style="display:inline-block;margin:0;padding:20px 24px;font:14px/1.35 'DejaVu Sans Mono',monospace">${markup(shot, palette)}</pre>`,
    );
    await page.locator('pre').screenshot({ path: join(images, `table-${name}.png`) });
    await page.close();
  }
  tmux('send-keys', 'C-c');
} finally {
  await browser.close();
  try {
    tmux('kill-server');
  } catch {
    // It ended with its only command.
  }
  rmSync(temporary, { recursive: true });
}
