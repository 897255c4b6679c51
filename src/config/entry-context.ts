import type { Dialect } from './dialects.ts';
import type { VariableScope } from './expand-variables.ts';

/** What reading an entry needs besides the entry. */
export interface EntryContext {
  readonly dialect: Dialect;
  readonly scope: VariableScope;
  /** Absolute; relative paths of an entry start here. */
  readonly projectFolder: string;
  readonly readFile: (path: string) => Promise<string>;
}
