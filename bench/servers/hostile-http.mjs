/**
 * A server over Streamable HTTP that attacks its client:
 *
 *   node hostile-http.mjs <attack>
 *
 *   json-bomb       answers a tool call with JSON of 1 GiB that is 1 MB on the wire
 *   sse-bomb        the same as one event
 *   endless-error   answers a tool call with status 500 and a body without end
 *   long-event      when a tool is called, sends one event of 300 MB on the standing stream and answers when it is taken or cut
 *   retry-0         ends each standing stream at once, with the advice to come back after 0 ms
 *
 * It prints its address once it listens, and ends with its stdin. The tool `attack` starts what starts with a tool call; the
 * tool `ok` answers `ok`. `GET /seen` tells how many standing streams were opened.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { replyTo, text, tool } from './lean-answers.mjs';

const [attack] = process.argv.slice(2);
const block = Buffer.alloc(2 ** 20, 'x');
const server = { tools: [tool('ok'), tool('attack')], call: () => text('ok') };
let standing;
let streams = 0;

/** Resolves when there is room again, or nobody to write to. */
const room = (response) =>
  new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });

/** Resolves when all blocks are handed to the system, or the other side is gone; says how many were. */
async function writeBlocks(response, one, count) {
  for (let written = 0; written < count; written += 1) {
    if (response.destroyed) return written;
    if (!response.write(one)) await room(response);
  }
  return count;
}

/** Packed pieces one after another are one packed whole: the bomb costs its maker the packing of one block. */
async function bomb({ id }, response, type) {
  const [head, tail] = JSON.stringify({ jsonrpc: '2.0', id, result: text('|') }).split('|');
  const isStream = type === 'text/event-stream';
  response.writeHead(200, { 'content-type': type, 'content-encoding': 'gzip' });
  response.write(gzipSync(isStream ? `data: ${head}` : head));
  await writeBlocks(response, gzipSync(block, { level: 9 }), 1_024);
  response.end(gzipSync(isStream ? `${tail}\n\n` : tail));
}

async function endlessError(_message, response) {
  response.writeHead(500, { 'content-type': 'text/plain' });
  await writeBlocks(response, block, Number.POSITIVE_INFINITY);
}

async function longEvent({ id }, response) {
  standing.write('data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"');
  const taken = await writeBlocks(standing, block, 300);
  if (!standing.destroyed) standing.write('"}}\n\n');
  json(response, { jsonrpc: '2.0', id, result: text(taken === 300 ? 'took 300 MB' : 'cut the stream') });
}

const attacks = {
  'json-bomb': (message, response) => bomb(message, response, 'application/json'),
  'sse-bomb': (message, response) => bomb(message, response, 'text/event-stream'),
  'endless-error': endlessError,
  'long-event': longEvent,
};

function json(response, message, headers = {}) {
  const body = JSON.stringify(message);
  response
    .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers })
    .end(body);
}

function post(message, response) {
  const { method, params } = message;
  if (method === 'tools/call' && params.name === 'attack' && attack in attacks)
    return attacks[attack](message, response);
  const reply = replyTo(message, server);
  if (reply === undefined) return response.writeHead(202).end();
  return json(response, reply, method === 'initialize' ? { 'mcp-session-id': randomUUID() } : {});
}

function stream(response) {
  streams += 1;
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (attack === 'retry-0') return response.end('retry: 0\n\n');
  standing = response;
  return response.flushHeaders();
}

const listening = createServer((request, response) => {
  response.on('error', () => undefined);
  if (request.url === '/seen') return json(response, { streams });
  if (request.method === 'GET') return stream(response);
  if (request.method !== 'POST') return response.writeHead(200).end();
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk) => (body += chunk));
  return request.on('end', () => post(JSON.parse(body), response));
});
listening.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${listening.address().port}/mcp`);
});
process.stdin.on('end', () => process.exit(0)).resume();
