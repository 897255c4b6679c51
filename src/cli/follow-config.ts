import { watchConfig } from '../config/index.ts';
import type { ConfigProblem, LoadedConfig, StopWatching } from '../config/index.ts';
import type { SessionManager } from '../index.ts';
import { hold } from './hold.ts';
import type { HoldOutcome } from './hold.ts';
import { mistakeKey } from './up-plan.ts';

/** Is told what comes of the edits of a configuration. */
export interface ConfigFollower {
  /** The edit is in force. */
  readonly changed: (config: LoadedConfig, outcome: HoldOutcome) => void;
  /** The edit has a mistake that was not there before, so nothing was changed. */
  readonly broken: (problems: readonly ConfigProblem[]) => void;
  readonly failed: (error: unknown) => void;
  /** What of the edit must not be started. Default: nothing. */
  readonly refused?: ((config: LoadedConfig) => Promise<readonly ConfigProblem[]>) | undefined;
}

/**
 * Has the manager follow the edits of a configuration that it holds. An edit that brings a new mistake changes nothing at all; mistakes
 * that were there before do not stand in the way of what is mended or changed elsewhere.
 */
export function followConfig(
  files: readonly string[],
  held: LoadedConfig,
  manager: Pick<SessionManager, 'apply'>,
  follower: ConfigFollower,
): StopWatching {
  let last: Promise<void> = Promise.resolve();
  let known = new Set(held.problems.map(mistakeKey));
  const apply = async (config: LoadedConfig): Promise<void> => {
    try {
      const refused = (await follower.refused?.(config)) ?? [];
      if (refused.length > 0) {
        follower.broken(refused);
        return;
      }
      known = new Set(config.problems.map(mistakeKey));
      follower.changed(config, await hold(manager, config));
    } catch (error) {
      follower.failed(error);
    }
  };
  return watchConfig(
    files.length === 0 ? undefined : files,
    held,
    {
      onChange: (config) => {
        if (config.problems.some((problem) => !known.has(mistakeKey(problem)))) {
          follower.broken(config.problems);
          return;
        }
        last = last.then(() => apply(config));
      },
      onBroken: ({ file, line, column, field, problem, fix }) => {
        follower.broken([{ file, line, column, field, serverId: null, problem, fix }]);
      },
    },
    { env: process.env },
  );
}
