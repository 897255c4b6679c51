import type { GroupEvent } from '../index.ts';
import { durationWords } from '../words/session-words.ts';
import { shownId } from './terminal-text.ts';

/** Tells in a few words where the calls of groups go now, and why. */
export class GroupStory {
  readonly #unavailable = new Set<string>();

  /** What an event changes for those who call the group; undefined when nothing. */
  tell(event: GroupEvent): string | undefined {
    switch (event.type) {
      case 'failedOver':
        return `${whyLeft(event)}, calls go to ${shownId(event.to)}`;
      case 'failedBack':
        return `calls go to ${shownId(event.to)} again${event.byHand ? ', by hand' : ''}`;
      case 'failbackScheduled':
        return `${shownId(event.to)} is healthy, calls go back to it in ${durationWords(event.delayMs)}`;
      case 'groupUnavailable':
        this.#unavailable.add(event.groupId);
        return 'no member takes calls';
      case 'groupAvailable':
        // The first one after the start is no news.
        return this.#unavailable.delete(event.groupId) ? `calls go to ${shownId(event.active)}` : undefined;
      case 'groupRemoved':
        this.#unavailable.delete(event.groupId);
        return undefined;
      case 'groupAdded':
      case 'groupCrashed':
      case 'memberChanged':
      case 'failbackCancelled':
        return undefined;
    }
  }
}

/** `a is gone (ended by SIGKILL)`. A reason is `it …`, which is the member that was left, and after a colon the cause. */
function whyLeft({ from, reason, byHand }: Extract<GroupEvent, { readonly type: 'failedOver' }>): string {
  const who = shownId(from);
  if (byHand) return `${who} was left by hand (${reason})`;
  const [, what = '', cause] = /^(?:it )?([^:]*)(?:: ([^]+))?$/.exec(reason) ?? [];
  const because = cause === undefined ? '' : ` (${cause.replace(/ \(pid \d+\)/, '')})`;
  return `${who} ${what === 'has no connection' ? 'is gone' : what}${because}`;
}
