/**
 * A server over stdio that attacks its client:
 *
 *   node hostile-stdio.mjs <attack>
 *
 *   long-line       answers a tool call with a line of 100 MB
 *   ping-flood      from a tool call on it reads nothing more, and pings without end
 *   notices         sends 300 000 notifications before it answers a tool call
 *   overload        answers no tool call
 *   many-tools      lists 50 000 tools
 *   endless-pages   lists one tool on each page, and there is always a next page
 *   redos           the output schema of its tool has a pattern that takes time exponential in the length of what it is given
 *   ref-bomb        the output schema of its tool refers to each of 30 definitions twice, which makes 2^30 visits
 *
 * The tool `attack` starts what starts with a tool call; the tool `ok` answers `ok`. What else is on the command line only
 * serves to find it by `ps`.
 */
import { writeSync } from 'node:fs';
import { replyTo, text, tool } from './lean-answers.mjs';

const [attack] = process.argv.slice(2);

/** Blocks until the other side has taken everything: process.stdout would keep it in memory here. */
function write(data) {
  for (let bytes = Buffer.from(data); bytes.length > 0;) bytes = bytes.subarray(writeSync(1, bytes));
}
const send = (message) => write(`${JSON.stringify(message)}\n`);

const returning = (outputSchema, structuredContent) => ({
  tools: [tool('ok'), tool('attack', { outputSchema: { type: 'object', ...outputSchema } })],
  call: ({ name }) => (name === 'ok' ? text('ok') : { ...text('returned'), structuredContent }),
});

function longLine(id) {
  const [head, tail] = JSON.stringify({ jsonrpc: '2.0', id, result: text('|') }).split('|');
  write(head);
  const block = Buffer.alloc(2 ** 20, 'x');
  for (let mb = 0; mb < 100; mb += 1) write(block);
  write(`${tail}\n`);
}

function pingFlood() {
  const pings = `${JSON.stringify({ jsonrpc: '2.0', id: 'flood', method: 'ping' })}\n`.repeat(1_000);
  for (;;) write(pings);
}

function notices(id) {
  const params = { level: 'info', data: 'x'.repeat(50) };
  const lines = `${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params })}\n`.repeat(1_000);
  for (let thousands = 0; thousands < 300; thousands += 1) write(lines);
  send({ jsonrpc: '2.0', id, result: text('ok') });
}

function endlessPages(id, cursor = '0') {
  const page = { tools: [tool(`tool-${cursor}`)], nextCursor: `${Number(cursor) + 1}` };
  send({ jsonrpc: '2.0', id, result: page });
}

const doubled = (level) => ({ allOf: [{ $ref: `#/$defs/d${level}` }, { $ref: `#/$defs/d${level}` }] });
const definitions = Array.from({ length: 30 }, (_, level) => [`d${level + 1}`, doubled(level)]);

const servers = {
  'many-tools': { tools: Array.from({ length: 50_000 }, (_, index) => tool(`tool-${index}`)), call: () => text('ok') },
  redos: returning({ properties: { value: { type: 'string', pattern: '^(a+)+$' } } }, { value: `${'a'.repeat(26)}!` }),
  'ref-bomb': returning(
    {
      properties: { value: { $ref: '#/$defs/d30' } },
      $defs: { d0: { type: 'string' }, ...Object.fromEntries(definitions) },
    },
    { value: 'short' },
  ),
};
const server = servers[attack] ?? { tools: [tool('ok'), tool('attack')], call: () => text('ok') };

const onCall = { 'long-line': longLine, 'ping-flood': pingFlood, notices, overload: () => undefined };

function answer(message) {
  const { id, method, params } = message;
  if (attack === 'endless-pages' && method === 'tools/list') return endlessPages(id, params?.cursor);
  if (method === 'tools/call' && params.name === 'attack' && attack in onCall) return onCall[attack](id);
  const reply = replyTo(message, server);
  if (reply !== undefined) send(reply);
}

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  for (const line of lines) if (line !== '') answer(JSON.parse(line));
});
