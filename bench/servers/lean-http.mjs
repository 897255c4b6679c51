/**
 * The least that is an MCP server over Streamable HTTP: raw JSON-RPC on `node:http`, so that what a client costs shows.
 *
 *   node lean-http.mjs json|sse [stream|no-stream [port]]
 *
 * `json` and `sse` say how it replies to a POST; `no-stream` refuses the standing GET stream with 405. It prints its address
 * once it listens, and ends with its stdin. The tool `ok` answers `ok`, the tool `pid` its process id.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { replyTo, text, tool } from './lean-answers.mjs';

const [replies, standing = 'stream', port = '0'] = process.argv.slice(2);

const lean = {
  tools: [tool('ok'), tool('pid')],
  call: ({ name }) => text(name === 'pid' ? `${process.pid}` : 'ok'),
};

function answer(body, response) {
  const message = JSON.parse(body);
  const answered = replyTo(message, lean);
  if (answered === undefined) {
    response.writeHead(202).end();
    return;
  }
  const reply = JSON.stringify(answered);
  const headers = message.method === 'initialize' ? { 'mcp-session-id': randomUUID() } : {};
  if (replies === 'sse') {
    headers['content-type'] = 'text/event-stream';
    response.writeHead(200, headers).end(`event: message\ndata: ${reply}\n\n`);
    return;
  }
  headers['content-type'] = 'application/json';
  headers['content-length'] = Buffer.byteLength(reply);
  response.writeHead(200, headers).end(reply);
}

const server = createServer((request, response) => {
  if (request.method === 'POST') {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => answer(body, response));
    return;
  }
  request.resume();
  if (request.method === 'GET' && standing === 'stream') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    return;
  }
  response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
});
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/mcp`);
});
process.stdin.on('end', () => process.exit(0)).resume();
