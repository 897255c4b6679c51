/** The SDK's own server over stdio, as its documentation sets it up. The tool `ok` answers `ok`. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';

const server = new McpServer({ name: 'sdk', version: '1.0.0' });
server.registerTool('ok', { description: 'Answers ok' }, () => ({ content: [{ type: 'text', text: 'ok' }] }));
await server.connect(new StdioServerTransport());
// The transport does not mind the end of its stdin.
process.stdin.on('end', () => process.exit(0));
