import type { Fault } from '../fault.ts';

/** How a process ended, as its `exit` event tells it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** We ended it. */
export const CLOSED: Fault = {
  kind: 'closed',
  code: 'closed',
  message: 'The connection to the server was closed by us.',
};

export const STDOUT_CLOSED: Fault = {
  kind: 'transport',
  code: 'stdout-closed',
  message: 'The server closed its stdout and ran on: no answer could come any more, so it was killed.',
};

export function stdinClosed(error: Error): Fault {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'stdin-closed';
  return {
    kind: 'transport',
    code,
    message: `The server closed its stdin and runs on (${code}): nothing can be sent to it.`,
  };
}

export function exitFault(pid: number | null, exit: Exit, stderrTail: string): Fault {
  const { code, signal } = exit;
  const how = signal === null ? `exited with code ${code}` : `ended by ${signal}`;
  return {
    kind: 'exit',
    code: signal === null ? `exit:${code}` : `signal:${signal}`,
    message: `${how} (pid ${pid})`,
    exit: { code, signal },
    stderrTail,
  };
}

/** The transport was used wrongly, or a handler that was given to it threw. */
export function misuse(code: string, message: string): Fault {
  return { kind: 'internal', code, message };
}
