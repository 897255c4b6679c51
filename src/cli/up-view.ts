import type { ConfigProblem } from '../config/index.ts';

/** How `up` shows what it holds. */
export interface UpView {
  /** The servers are being started; `servers` are the ids of those that could be. */
  start(servers: readonly string[], problems: readonly ConfigProblem[]): void;
  /** Stopping has begun, or is now forced. */
  stopping(how: 'draining' | 'forcing'): void;
  /** Writes a line where it does not disturb what is shown; absent where nothing can be disturbed. */
  readonly above?: ((line: string) => void) | undefined;
  /** Nothing is held any more. */
  end(): void;
}
