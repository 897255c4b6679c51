import type { ConnectionState, ManagerEvent } from '../index.ts';
import { GroupStory } from './group-story.ts';
import { durationWords } from '../words/session-words.ts';
import { onOneLine, shownId, timeOfDay } from './terminal-text.ts';

type StateChange = Extract<ManagerEvent, { readonly type: 'stateChanged' }>;

const connected: ReadonlySet<ConnectionState> = new Set<ConnectionState>(['healthy', 'degraded', 'unhealthy']);

/**
 * Tells what happened to servers and groups in one line each, for the scrollback above the table: that a server went down, and
 * why; that it is back, and after how long; that it is no longer healthy; where the calls of a group go now. Failed attempts to
 * come back are told once.
 */
export class Story {
  readonly #downSince = new Map<string, number>();
  readonly #lastPid = new Map<string, number>();
  readonly #groups = new GroupStory();

  /** The line for an event, or undefined for one that changes nothing that matters. */
  tell(event: ManagerEvent, nowMs: number): string | undefined {
    const what = this.happened(event, nowMs);
    if (what === undefined) return undefined;
    return event.groupId === undefined
      ? storyLine(nowMs, event.serverId, ' ', what)
      : storyLine(nowMs, event.groupId, ': ', what);
  }

  /** The same without when and to whom. */
  happened(event: ManagerEvent, nowMs: number): string | undefined {
    if (event.groupId !== undefined) return this.#groups.tell(event);
    if (event.type === 'serverRemoved') this.#forget(event.serverId);
    if (event.type !== 'stateChanged' || event.from === event.to) return undefined;
    return this.#change(event, nowMs);
  }

  #change({ serverId, from, to, generation, pid, reason }: StateChange, nowMs: number): string | undefined {
    // Some reasons are whole sentences; here they end one.
    const because = reason === null ? '' : `: ${reason.replace(/\.$/, '')}`;
    const downSince = this.#downSince.get(serverId);
    if (connected.has(from) && !connected.has(to)) {
      const was = this.#lastPid.get(serverId);
      this.#downSince.set(serverId, nowMs);
      return `went down${was === undefined ? '' : ` (pid ${was})`}${because}`;
    }
    if (from === 'connecting' && to === 'disconnected') {
      if (downSince !== undefined) return undefined;
      this.#downSince.set(serverId, nowMs);
      return `cannot be connected${because}`;
    }
    if (!connected.has(to)) return undefined;
    if (pid !== null) this.#lastPid.set(serverId, pid);
    if (connected.has(from)) return `is ${to}${because}`;
    if (downSince === undefined) return undefined;
    this.#downSince.delete(serverId);
    const now = pid === null ? '' : `, pid ${pid}`;
    return `is back (${to}) after ${durationWords(nowMs - downSince)}: generation ${generation}${now}`;
  }

  #forget(serverId: string): void {
    this.#downSince.delete(serverId);
    this.#lastPid.delete(serverId);
  }
}

/** A line of the story: when, about what, and what. */
export function storyLine(nowMs: number, id: string, between: string, what: string): string {
  return `${timeOfDay(nowMs)}  ${shownId(id)}${between}${onOneLine(what)}`;
}
