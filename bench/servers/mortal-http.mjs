/**
 * A server over Streamable HTTP that things happen to, raw JSON-RPC with JSON replies:
 *
 *   node mortal-http.mjs <log> [port]
 *
 * It writes a line to the log for each start, tool call and request of another kind. `POST /fate` with one of
 *
 *   forget      it no longer knows its sessions: 404 until the next `initialize`
 *   drop-once   it executes the next tool call and cuts the connection instead of answering
 *   busy-once   it answers the next tool call with 503, unexecuted
 *
 * It prints its address once it listens, and ends with its stdin. The tool `ok` answers `ok`.
 */
import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { replyTo, text, tool } from './lean-answers.mjs';

const [log, port = '0'] = process.argv.slice(2);
const note = (line) => appendFileSync(log, `${line}\n`);
const sessions = new Set();
let fate = '';

const mortal = {
  tools: [tool('ok')],
  call: () => {
    note('executed');
    return text('ok');
  },
};

function answer(request, body, response) {
  const message = JSON.parse(body);
  const isCall = message.method === 'tools/call';
  note(message.method ?? 'answer');
  if (message.method !== 'initialize' && !sessions.has(request.headers['mcp-session-id'])) {
    response.writeHead(404).end();
    return;
  }
  if (isCall && fate === 'busy-once') {
    fate = '';
    response.writeHead(503).end();
    return;
  }
  const answered = replyTo(message, mortal);
  if (isCall && fate === 'drop-once') {
    fate = '';
    request.socket.destroy();
    return;
  }
  if (answered === undefined) {
    response.writeHead(202).end();
    return;
  }
  const headers = { 'content-type': 'application/json' };
  if (message.method === 'initialize') {
    headers['mcp-session-id'] = randomUUID();
    sessions.add(headers['mcp-session-id']);
  }
  response.writeHead(200, headers).end(JSON.stringify(answered));
}

function meet(order, response) {
  fate = order;
  if (order === 'forget') sessions.clear();
  response.writeHead(204).end();
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    if (request.url === '/fate') meet(body, response);
    else if (request.method === 'POST') answer(request, body, response);
    else {
      note(request.method);
      response.writeHead(request.method === 'DELETE' ? 200 : 405).end();
    }
  });
});
server.listen(Number(port), '127.0.0.1', () => {
  note(`start ${process.pid}`);
  console.log(`http://127.0.0.1:${server.address().port}/mcp`);
});
process.stdin.on('end', () => process.exit(0)).resume();
