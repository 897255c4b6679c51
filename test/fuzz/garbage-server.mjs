// An MCP server over stdio that says what it is told to: `fuzz/say` has it write the pieces, each by itself, to the byte,
// then a line end and the answer. It answers `ping` and takes no notice of anything else.
import { createInterface } from 'node:readline';

const initialized = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'garbage', version: '1' },
};

createInterface({ input: process.stdin }).on('line', (line) => void take(JSON.parse(line)));

async function take({ id, method, params }) {
  if (method === 'initialize') await answer(id, initialized);
  if (method === 'ping') await answer(id, {});
  if (method !== 'fuzz/say') return;
  for (const piece of params.pieces) await write(Buffer.from(piece, 'base64'));
  await write('\n');
  await answer(id, { said: true });
}

function answer(id, result) {
  return write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
}

function write(bytes) {
  return new Promise((resolve) => {
    process.stdout.write(bytes, resolve);
  });
}
