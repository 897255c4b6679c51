import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of the dashboard. */
export interface DashboardAsset {
  readonly type: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

const script = 'text/javascript; charset=utf-8';

/** All that there is, by the name under which the page asks for it: nothing else of the disk can be had. */
const files: ReadonlyMap<string, { readonly type: string; readonly path: string }> = new Map([
  ['page.html', { type: 'text/html; charset=utf-8', path: 'page.html' }],
  ['style.css', { type: 'text/css; charset=utf-8', path: 'style.css' }],
  ...[
    'call-form',
    'connection',
    'detail',
    'element',
    'event-log',
    'group-card',
    'main',
    'model',
    'model-states',
    'session-card',
    'sparkline',
    'told',
  ].map((name) => [`dashboard/browser/${name}.js`, { type: script, path: `browser/${name}.js` }] as const),
  ['words/session-words.js', { type: script, path: '../words/session-words.js' }],
]);

const read = new Map<string, Promise<DashboardAsset>>();

/** A file of the dashboard, by its name; undefined when there is none of that name. Read once. */
export async function dashboardAsset(name: string): Promise<DashboardAsset | undefined> {
  const file = files.get(name);
  if (file === undefined) return undefined;
  let asset = read.get(name);
  if (asset === undefined) {
    asset = readFile(join(import.meta.dirname, file.path)).then((body) => ({
      type: file.type,
      body: new Uint8Array(body),
    }));
    read.set(name, asset);
  }
  return asset;
}
