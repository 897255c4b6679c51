/**
 * The least that is an MCP server over stdio: raw JSON-RPC, the replies to what came together written together, so that what
 * a client costs shows. The tool `ok` answers `ok`. What it is given on the command line only serves to find it by `ps`.
 */
import { replyTo, text, tool } from './lean-answers.mjs';

const server = { tools: [tool('ok')], call: () => text('ok') };

let rest = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop();
  const replies = lines.filter((line) => line !== '').map((line) => replyTo(JSON.parse(line), server));
  const wanted = replies.filter((reply) => reply !== undefined);
  if (wanted.length > 0) process.stdout.write(wanted.map((reply) => `${JSON.stringify(reply)}\n`).join(''));
});
