import type { ConfigProblem } from '../config/index.ts';
import type { ApplyReport } from '../index.ts';

/** The ids of what `up` holds. */
export interface Held {
  readonly servers: readonly string[];
  readonly groups: readonly string[];
}

/** How `up` shows what it holds. */
export interface UpView {
  /** The servers are being started; `held` is what could be. */
  start(held: Held, problems: readonly ConfigProblem[]): void;
  /** An edit of the configuration is in force; `problems`: all that are left. */
  configChanged(report: ApplyReport, problems: readonly ConfigProblem[]): void;
  /** An edit of the configuration was not followed. */
  configBroken(problems: readonly ConfigProblem[]): void;
  /** Stopping has begun, or is now forced. */
  stopping(how: 'draining' | 'forcing'): void;
  /** Writes a line where it does not disturb what is shown; absent where nothing can be disturbed. */
  readonly above?: ((line: string) => void) | undefined;
  /** Nothing is held any more. */
  end(): void;
}
