#!/usr/bin/env node
import { stderr } from './console-to-stderr.ts';
import { run } from './program.ts';

// A reader that goes away has had enough of us: no failure of ours.
process.stdout.on('error', () => undefined);

/** How long a reader of standard output that has fallen behind may take for the rest. */
const flushMs = 2000;

const code = await run(process.argv.slice(2), stderr);
await new Promise<void>((resolve) => {
  setTimeout(resolve, flushMs);
  process.stdout.write('', () => {
    resolve();
  });
});
process.exit(code);
