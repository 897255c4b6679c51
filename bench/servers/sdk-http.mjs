/**
 * The SDK's own server over Streamable HTTP, as its documentation sets it up: `McpServer`, one transport for each session.
 *
 *   node sdk-http.mjs json|sse
 *
 * It prints its address once it listens, and ends with its stdin. The tool `ok` answers `ok`.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const enableJsonResponse = process.argv[2] === 'json';
const transports = new Map();

async function newTransport() {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse,
    onsessioninitialized: (id) => transports.set(id, transport),
    onsessionclosed: (id) => transports.delete(id),
  });
  const server = new McpServer({ name: 'sdk', version: '1.0.0' });
  server.registerTool('ok', { description: 'Answers ok' }, () => ({ content: [{ type: 'text', text: 'ok' }] }));
  await server.connect(transport);
  return transport;
}

async function handle(request, response) {
  const id = request.headers['mcp-session-id'];
  const transport = id === undefined ? await newTransport() : transports.get(id);
  if (transport === undefined) response.writeHead(404).end();
  else await transport.handleRequest(request, response);
}

const server = createServer((request, response) => void handle(request, response));
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/mcp`);
});
process.stdin.on('end', () => process.exit(0)).resume();
