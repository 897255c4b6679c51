import { FailoverSchemaMismatchError, GroupUnavailableError } from '../errors/group-errors.ts';
import type { HoldfastError } from '../errors/holdfast-error.ts';
import { ToolChangedError } from '../errors/tool-errors.ts';
import { select } from '../machines/group-policy.ts';
import type { RetryBudget } from '../machines/retry-policy.ts';
import type { Call } from './call.ts';
import { whatIs } from './call-failure.ts';
import type { Choice, Route } from './route.ts';
import { listedTool } from './catalog.ts';
import type { GroupRecord } from './group-record.ts';
import type { SessionRecord } from './session-record.ts';

/** How soon to ask again while a member is on its way up, where no moment is known. */
const soonMs = 1_000;

const none: ReadonlySet<string> = new Set();

/**
 * The way of a call to a group: to the active member, and from there to each other member that takes calls and offers the same tool,
 * once. No member is waited for, except by the first call to a lazy one.
 */
export class GroupRoute implements Route {
  readonly id: string;
  readonly #group: GroupRecord;

  constructor(group: GroupRecord) {
    this.id = group.id;
    this.#group = group;
  }

  get isGroup(): boolean {
    return true;
  }

  get retryBudget(): RetryBudget {
    return this.#group.retryBudget;
  }

  set retryBudget(budget: RetryBudget) {
    this.#group.retryBudget = budget;
  }

  first<Result>(call: Call<Result>): Choice | HoldfastError {
    return this.another(call, none) ?? this.nobody(call);
  }

  another<Result>(call: Call<Result>, tried: ReadonlySet<string>): Choice | undefined {
    const group = this.#group;
    for (const member of select(group.views(), group.active, group.config.policy)) {
      const record = group.record(member.id);
      if (record === undefined || tried.has(member.id) || (call.on !== undefined && member.id !== call.on)) continue;
      // What a lazy member offers is known once it is connected; until then it keeps its place.
      if (!isAsleep(record) && !this.fits(call, record)) continue;
      if (record.tools.refusal(call.tool) !== undefined) continue;
      return { record, insists: call.options.evenIfUnhealthy === true || !member.admits, patienceMs: 0 };
    }
    return undefined;
  }

  fits<Result>({ tool }: Call<Result>, { id, tools }: SessionRecord): boolean {
    const reference = this.#group.reference();
    if (tool === undefined || reference.id === id) return true;
    if (reference.catalog === undefined) return false;
    const wanted = listedTool(reference.catalog, tool)?.inputHash;
    return wanted !== undefined && tools.listed(tool)?.inputHash === wanted;
  }

  nobody<Result>(call: Call<Result>, refusal?: HoldfastError): HoldfastError {
    if (refusal instanceof FailoverSchemaMismatchError || refusal instanceof ToolChangedError) return refusal;
    const blocked = refusal === undefined ? this.#blocked(call) : undefined;
    if (blocked !== undefined) return blocked;
    const mismatched = refusal === undefined ? this.#mismatched(call) : [];
    if (call.tool !== undefined && mismatched.length > 0) {
      return new FailoverSchemaMismatchError({
        groupId: this.id,
        tool: call.tool,
        reference: this.#group.reference().id,
        members: mismatched,
        retryAfterMs: soonestAttemptMs(this.#group),
      });
    }
    return unavailable(this.#group, `${whatIs(call)} was not sent`, refusal);
  }

  /** The refusal of the first member that takes calls and offers the same tool, but may not be called since it changed. */
  #blocked<Result>(call: Call<Result>): ToolChangedError | undefined {
    const group = this.#group;
    for (const { id } of select(group.views(), group.active, group.config.policy)) {
      const record = group.record(id);
      const refusal = record?.tools.refusal(call.tool);
      if (record !== undefined && refusal !== undefined && this.fits(call, record)) return refusal;
    }
    return undefined;
  }

  /** The members that take calls, but do not offer the same tool. */
  #mismatched<Result>(call: Call<Result>): readonly string[] {
    const group = this.#group;
    return select(group.views(), group.active, group.config.policy)
      .map(({ id }) => id)
      .filter((id) => {
        const record = group.record(id);
        return record !== undefined && !isAsleep(record) && !this.fits(call, record);
      });
  }
}

function isAsleep({ policy, view }: SessionRecord): boolean {
  return policy.lazy && !view.context.everConnected && (view.phase === 'idle' || view.phase.startsWith('connecting.'));
}

/** The error for a group of which no member can do what is asked. */
export function unavailable(group: GroupRecord, what: string, cause?: unknown): GroupUnavailableError {
  const states = group.info.members.map(({ id, state }) => `"${id}" is ${state}`).join(', ');
  return new GroupUnavailableError(`No member of group "${group.id}" takes calls (${states}); ${what}.`, {
    groupId: group.id,
    retryAfterMs: soonestAttemptMs(group),
    cause,
  });
}

/** Time until a member next tries to connect, in milliseconds; undefined when none will by itself. */
function soonestAttemptMs(group: GroupRecord): number | undefined {
  let soonest: number | undefined;
  for (const id of group.config.members) {
    const record = group.record(id);
    if (record === undefined) continue;
    const { wakesAtMs, phase } = record.view;
    const onItsWay = phase.startsWith('connecting.') || phase.startsWith('connected.') || phase === 'releasing';
    const waitMs =
      wakesAtMs === null
        ? onItsWay
          ? soonMs
          : undefined
        : Math.max(0, Math.ceil(wakesAtMs - record.clock.monotonic()));
    if (waitMs !== undefined && (soonest === undefined || waitMs < soonest)) soonest = waitMs;
  }
  return soonest;
}
