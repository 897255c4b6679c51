import { createInterface } from 'node:readline';
import { BehaviorSubject, Subject } from 'rxjs';
import type { ConnectionInfo, ConnectionState, GroupInfo, ManagerEvent, ManagerSnapshot } from '../index.ts';
import type { Changes, Overview } from '../service/index.ts';
import type { ServiceClient } from './service-client.ts';

/** What a running `up` holds, as its event stream tells it: as much of a manager as can be shown. */
export class RemoteManager {
  readonly events$ = new Subject<ManagerEvent>();
  readonly sessions$ = new BehaviorSubject<readonly ConnectionInfo[]>([]);
  readonly groups$ = new BehaviorSubject<readonly GroupInfo[]>([]);
  /** Completes when the servers are being let go of. */
  readonly stopping$ = new Subject<never>();
  #overview: Overview;

  private constructor(overview: Overview) {
    this.#overview = overview;
    this.#show(overview.sessions, overview.groups);
  }

  /** Follows the stream until it ends or the signal aborts. `begun` is told of the manager as soon as there is something to show. */
  static async follow(
    client: ServiceClient,
    signal: AbortSignal,
    begun: (manager: RemoteManager, overview: Overview) => void,
  ): Promise<void> {
    let manager: RemoteManager | undefined;
    for await (const { event, data } of messages(client, signal)) {
      if (event === 'snapshot') {
        const overview: Overview = JSON.parse(data);
        manager = new RemoteManager(overview);
        begun(manager, overview);
      } else manager?.hear(event, data);
    }
  }

  snapshot(): ManagerSnapshot {
    const { seq } = this.#overview;
    return { seq, sessions: this.sessions$.value, groups: this.groups$.value, stats: statsOf(this.sessions$.value) };
  }

  hear(event: string, data: string): void {
    if (event === 'happened') this.events$.next(JSON.parse(data));
    if (event !== 'changes') return;
    const changes: Changes = JSON.parse(data);
    const { seq, sessions, removedSessions, groups, removedGroups, stopping } = changes;
    if (stopping === true) this.stopping$.complete();
    this.#overview = { ...this.#overview, seq };
    this.#show(
      merged(this.sessions$.value, sessions, removedSessions),
      merged(this.groups$.value, groups, removedGroups),
    );
  }

  #show(sessions: readonly ConnectionInfo[], groups: readonly GroupInfo[]): void {
    this.sessions$.next(sessions);
    this.groups$.next(groups);
  }
}

interface Message {
  readonly event: string;
  readonly data: string;
}

/** The messages of an event stream; comments and what is unknown are left out. */
async function* messages(client: ServiceClient, signal: AbortSignal): AsyncGenerator<Message> {
  let event = '';
  for await (const line of createInterface({ input: await client.stream('/api/events', signal) })) {
    if (line.startsWith('event: ')) event = line.slice('event: '.length);
    else if (line.startsWith('data: ')) yield { event, data: line.slice('data: '.length) };
  }
}

/** What has changed in its place, what is new at the end, what is gone left out. */
function merged<T extends { readonly id: string }>(
  known: readonly T[],
  changed: readonly T[],
  removed: readonly string[],
): readonly T[] {
  const all = new Map(known.map((each) => [each.id, each]));
  for (const each of changed) all.set(each.id, each);
  for (const id of removed) all.delete(id);
  return [...all.values()];
}

function statsOf(sessions: readonly ConnectionInfo[]): Readonly<Record<ConnectionState, number>> {
  const stats = { connecting: 0, healthy: 0, degraded: 0, unhealthy: 0, disconnected: 0 };
  for (const { state } of sessions) stats[state] += 1;
  return stats;
}
