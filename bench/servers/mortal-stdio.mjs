/**
 * A server over stdio that writes a line to its log for each start and for whatever it is asked, so that it can be killed and
 * asked what it knows:
 *
 *   node mortal-stdio.mjs <log> [ms before it answers `initialize`] [stubborn]
 *
 * `stubborn`: neither the end of its stdin nor SIGTERM ends it. The tool `ok` answers `ok`.
 */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { replyTo, text, tool } from './lean-answers.mjs';

const [log, slowMs = '0', nature] = process.argv.slice(2);
const note = (line) => appendFileSync(log, `${line}\n`);
note(`start ${process.pid}`);

const mortal = {
  tools: [tool('ok')],
  call: () => {
    note('executed');
    return text('ok');
  },
};

if (nature === 'stubborn') {
  process.on('SIGTERM', () => undefined);
  setInterval(() => undefined, 60_000);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  note(message.method ?? 'answer');
  const reply = replyTo(message, mortal);
  if (reply === undefined) return;
  const write = () => process.stdout.write(`${JSON.stringify(reply)}\n`);
  if (message.method === 'initialize') setTimeout(write, Number(slowMs));
  else write();
});
