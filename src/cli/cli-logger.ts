import { pino } from 'pino';
import type { Logger } from '../index.ts';
import type { LogThreshold } from './log-thresholds.ts';

/** A pino logger that writes JSON lines to `destination`. Of an error it logs name, code, message and stack only: spawn errors carry arguments. */
export function cliLogger(level: LogThreshold, destination: { write(line: string): unknown }): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: shownError },
    },
    {
      write: (line) => {
        destination.write(line);
      },
    },
  );
}

function shownError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error;
  const { name, message, stack } = error;
  return { name, code: 'code' in error ? error.code : undefined, message, stack };
}
