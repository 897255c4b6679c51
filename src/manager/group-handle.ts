import type { Observable } from 'rxjs';
import { EMPTY, filter, takeWhile } from './rx.ts';
import { CallAbortedError } from '../errors/request-errors.ts';
import { ClosedError } from '../errors/usage-errors.ts';
import { backByHand, nextByHand } from '../machines/group-policy.ts';
import type { GroupCommand } from '../machines/group-events.ts';
import type { CallWorld } from './attempt.ts';
import type { Call, Served } from './call.ts';
import { performCall } from './call-path.ts';
import { CallerVerbs } from './caller-verbs.ts';
import { GroupRoute, unavailable } from './group-calls.ts';
import type { Group, GroupInfo, MemberInfo } from './group.ts';
import type { GroupRecord } from './group-record.ts';
import type { GroupEvent, ManagerEvent } from './manager-events.ts';
import { distinctValues } from './observing.ts';
import { sections, text } from './option-rules.ts';
import type { SessionRecord } from './session-record.ts';
import { waitUntil } from './waiting.ts';
import { isHopeless, readyRules, readyTimeoutMs, type Patience } from './when-ready.ts';

/** What a group's handle needs of the manager that made it. */
export interface GroupWorld extends CallWorld {
  readonly events$: Observable<ManagerEvent>;
  send(command: GroupCommand): void;
}

/** The public face of a group's record: it holds nothing itself. */
export class GroupHandle extends CallerVerbs implements Group {
  readonly id: string;
  readonly #record: GroupRecord;
  readonly #world: GroupWorld;

  constructor(record: GroupRecord, world: GroupWorld) {
    super();
    this.id = record.id;
    this.#record = record;
    this.#world = world;
  }

  get active(): string | undefined {
    return this.#record.active ?? undefined;
  }

  get members(): readonly MemberInfo[] {
    return this.#record.info.members;
  }

  get info(): GroupInfo {
    return this.#record.info;
  }

  get info$(): Observable<GroupInfo> {
    return distinctValues({
      read: () => this.#record.info,
      onChange: (listener) => this.#record.onChange(listener),
      isOver: () => this.#record.finished,
    });
  }

  get events$(): Observable<GroupEvent> {
    return this.#record.finished
      ? EMPTY
      : this.#world.events$.pipe(
          filter((event): event is GroupEvent => event.groupId === this.id),
          takeWhile((event) => event.type !== 'groupRemoved', true),
        );
  }

  async ready(options: Patience = {}): Promise<void> {
    sections(options, readyRules, '', this.id);
    this.#assertOpen();
    for (const record of this.#members()) {
      if (record.view.phase === 'idle' && options.signal?.aborted !== true) this.#world.open(record);
    }
    await this.#whenReady(options.timeoutMs ?? readyTimeoutMs, options.signal);
  }

  failOver(reason = 'asked for by hand'): void {
    text(reason, 'reason', this.id);
    this.#assertOpen();
    const group = this.#record;
    if (nextByHand(group.views(), group.active, group.config.policy) === undefined) {
      throw unavailable(group, 'so there is none to fail over to');
    }
    this.#world.send({ type: 'GROUP.FAILOVER', id: this.id, reason: this.#world.ports.secrets.scrub(reason) });
  }

  failBack(): void {
    this.#assertOpen();
    const group = this.#record;
    const views = group.views();
    const isTop = views[0]?.id === group.active;
    const target = backByHand(views, group.active, group.config.policy);
    if (!isTop && target === undefined && views.every(({ admits }) => !admits)) {
      throw unavailable(group, 'so there is none to fail back to');
    }
    // Whoever insists on it gives it a new chance.
    const favoured = target === undefined ? undefined : group.record(target.id);
    if (favoured?.forgiveCalls('all') === true) this.#world.tellEdge(favoured, { type: 'CALLS.RECOVERED' });
    this.#world.send({ type: 'GROUP.FAILBACK', id: this.id });
  }

  protected perform<Result>(call: Call<Result>): Promise<Served<Result>> {
    this.#assertOpen();
    return performCall(new GroupRoute(this.#record), call, this.#world);
  }

  #whenReady(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    return waitUntil(this.#world.ports.clock, {
      timeoutMs,
      signal,
      watch: (check) => {
        const stops = [this.#record, ...this.#members()].map((each) => each.onChange(check));
        return () => {
          for (const stop of stops) stop();
        };
      },
      check: () => {
        if (this.#record.finished) return new ClosedError('group', this.id);
        if (this.#members().some(({ admits }) => admits)) return true;
        return this.#members().every(({ view }) => isHopeless(view.phase))
          ? unavailable(this.#record, 'and none of them will without help')
          : undefined;
      },
      late: (afterMs) => unavailable(this.#record, `waited for ${afterMs} ms`),
      aborted: (reason) =>
        new CallAbortedError(`Waiting for group "${this.id}" was aborted.`, {
          serverId: this.id,
          generation: 0,
          outcome: 'not-sent',
          cause: reason,
        }),
    });
  }

  #members(): readonly SessionRecord[] {
    return this.#record.config.members
      .flatMap((id) => this.#record.record(id) ?? [])
      .filter(({ removing }) => removing === undefined);
  }

  #assertOpen(): void {
    if (this.#record.finished) throw new ClosedError('group', this.id);
  }
}
