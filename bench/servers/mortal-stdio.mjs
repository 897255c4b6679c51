/**
 * A server over stdio that writes a line to its log for each start and tool call, so that it can be killed and asked:
 *
 *   node mortal-stdio.mjs <log> [ms before it answers `initialize`]
 *
 * The tool `ok` answers `ok`.
 */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { replyTo, text, tool } from './lean-answers.mjs';

const [log, slowMs = '0'] = process.argv.slice(2);
const note = (line) => appendFileSync(log, `${line}\n`);
note(`start ${process.pid}`);

const mortal = {
  tools: [tool('ok')],
  call: () => {
    note('executed');
    return text('ok');
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  const reply = replyTo(message, mortal);
  if (reply === undefined) return;
  const write = () => process.stdout.write(`${JSON.stringify(reply)}\n`);
  if (message.method === 'initialize') setTimeout(write, Number(slowMs));
  else write();
});
