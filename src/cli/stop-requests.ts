import { exitCode } from './exit-codes.ts';

/** Asks of the world outside to stop. */
export interface StopListener {
  /** The first: finish what is in flight. */
  stop(code: number): void;
  /** The second: no more waiting. */
  force(code: number): void;
  /** The third: the process has to go at once. */
  abandon(code: number): void;
  /** Something threw where nobody caught it. */
  crash(error: unknown): void;
}

const codes = {
  SIGINT: exitCode.interrupted,
  SIGTERM: exitCode.terminated,
  SIGHUP: exitCode.terminated,
} as const;

/**
 * `npm start` and `npx` pass on the Ctrl-C that the terminal has already given to every process in the foreground:
 * the same signal twice within this time is one.
 */
const echoMs = 300;

/** What signals and uncaught errors come from: `process`. */
export type StopSource = Pick<NodeJS.EventEmitter, 'on' | 'removeListener'>;

/** Listens to signals and to uncaught errors; returns the way to stop listening. */
export function onStopRequests(
  listener: StopListener,
  source: StopSource = process,
  nowMs: () => number = () => performance.now(),
): () => void {
  let asked = 0;
  let last: { readonly signal: string; readonly atMs: number } | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const isEcho = last?.signal === signal && nowMs() - last.atMs < echoMs;
    last = { signal, atMs: nowMs() };
    if (isEcho || !isStopSignal(signal)) return;
    asked += 1;
    if (asked === 1) listener.stop(codes[signal]);
    else if (asked === 2) listener.force(codes[signal]);
    else listener.abandon(codes[signal]);
  };
  const onUncaught = (error: unknown): void => {
    listener.crash(error);
  };
  const signals = Object.keys(codes).filter(isStopSignal);
  for (const signal of signals) source.on(signal, onSignal);
  source.on('uncaughtException', onUncaught); // Unhandled rejections come here too.
  return () => {
    for (const signal of signals) source.removeListener(signal, onSignal);
    source.removeListener('uncaughtException', onUncaught);
  };
}

function isStopSignal(signal: string): signal is keyof typeof codes {
  return Object.hasOwn(codes, signal);
}
