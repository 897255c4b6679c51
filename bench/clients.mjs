// The clients that are compared: the bare SDK, holdfast and, where asked for, other libraries.
import { findPeers, peersNode } from './peers/peers.mjs';

/** `{ node, clients }`: the Node that runs them all, and those that can run. Says on stderr who is left out and why. */
export function findClients(withPeers) {
  const node = withPeers ? peersNode() : { execPath: process.execPath, version: process.versions.node };
  const all = [
    { name: 'bare SDK', module: new URL('./callers/bare.mjs', import.meta.url) },
    { name: 'holdfast', module: new URL('./callers/held.mjs', import.meta.url) },
    ...(withPeers ? findPeers(node) : []),
  ];
  for (const { name, reason } of all) if (reason !== undefined) console.error(`left out: ${name}, ${reason}`);
  return { node, clients: all.filter(({ module }) => module !== undefined) };
}
