import { Console } from 'node:console';
import { StderrLines } from './stderr-lines.ts';

/** The command's standard error. */
export const stderr = new StderrLines(process.stderr);

// Imported before anything else: a dependency that prints must not get between the data on standard output.
globalThis.console = new Console(stderr);
process.stderr.on('error', () => undefined); // Nobody reads it: there is nowhere left to say so.
