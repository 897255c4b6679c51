import type { ConfigProblem, GroupSpec } from '../config/index.ts';
import { InvalidOptionError } from '../index.ts';
import type { SessionManager } from '../index.ts';
import { shownId } from './terminal-text.ts';

/** Adds every group whose members are all `held`; what one of them is refused for concerns neither servers nor other groups. */
export function addGroups(
  manager: Pick<SessionManager, 'addGroup'>,
  groups: readonly GroupSpec[],
  held: readonly string[],
): { readonly started: readonly string[]; readonly problems: readonly ConfigProblem[] } {
  const started: string[] = [];
  const problems: ConfigProblem[] = [];
  for (const { id, source, config } of groups) {
    const refuse = (why: string, fix: string): void => {
      const problem = `the group "${shownId(id)}" is left out: ${why}`;
      problems.push({ ...source, field: null, serverId: null, problem, fix });
    };
    const missing = [config.primary, ...config.backups].find((member) => !held.includes(member));
    if (missing !== undefined) {
      const fix = 'mend what is wrong with that server, or take it out of the group';
      refuse(`the server "${shownId(missing)}" could not be added`, fix);
      continue;
    }
    try {
      manager.addGroup(id, config);
      started.push(id);
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error;
      refuse(error.message.replace(/\.$/, ''), 'change or remove this setting');
    }
  }
  return { started, problems };
}
