import { FailoverSchemaMismatchError, GroupUnavailableError } from '../errors/group-errors.ts';
import { isHoldfastError, type HoldfastError } from '../errors/holdfast-error.ts';
import { CallAbortedError, CallTimeoutError } from '../errors/request-errors.ts';
import { select, type MemberView } from '../machines/group-policy.ts';
import type { ListedTool } from '../link/tool-hash.ts';
import { whatIs } from './call-failure.ts';
import { checkCallOptions, type CallOptions } from './call-options.ts';
import type { Call, Served } from './call-path.ts';
import type { Catalog } from './catalog.ts';
import type { GroupRecord } from './group-record.ts';
import type { SessionRecord } from './session-record.ts';
import { whenReady } from './when-ready.ts';

/** How soon to ask again while a member is on its way up, where no moment is known. */
const soonMs = 1_000;

/** What a call to a group needs besides its record. */
export interface GroupCallWorld {
  /** Connects a session that waits for its first call. */
  open(record: SessionRecord): void;
}

/**
 * One call to a group: to the active member, and, as long as it was certainly not sent, to each other member that takes calls and
 * offers the same tool, once. One deadline covers all of it.
 */
export async function performGroupCall<Result>(
  group: GroupRecord,
  call: Call<Result>,
  world: GroupCallWorld,
): Promise<Served<Result>> {
  checkCallOptions(call.options, group.id);
  const tried = new Set<string>();
  let began: number | undefined;
  let refusal: HoldfastError | undefined;
  for (;;) {
    const { member, mismatched } = nextMember(group, call, tried);
    const record = member === undefined ? undefined : group.record(member.id);
    if (member === undefined || record?.session === undefined) throw nobody(group, call, mismatched, refusal);
    const now = record.clock.monotonic();
    began ??= now;
    const spentMs = now - began;
    const timeoutMs = call.options.timeoutMs ?? record.options.callTimeoutMs;
    if (refusal !== undefined && spentMs >= timeoutMs) throw refusal;
    try {
      // What a lazy member offers is known once it is connected; until then it keeps its place.
      if (isAsleep(record)) await awaken(record, timeoutMs - spentMs, call.options, world);
      else {
        tried.add(member.id);
        return await record.session.perform(attempt(call, member, tried.size, spentMs));
      }
    } catch (error) {
      if (!movesOn(error)) throw error;
      tried.add(member.id);
      refusal = error;
    }
  }
}

function isAsleep({ policy, view }: SessionRecord): boolean {
  return policy.lazy && !view.context.everConnected && (view.phase === 'idle' || view.phase.startsWith('connecting.'));
}

async function awaken(
  record: SessionRecord,
  timeoutMs: number,
  { signal }: CallOptions,
  world: GroupCallWorld,
): Promise<void> {
  if (signal?.aborted !== true && record.view.phase === 'idle') world.open(record);
  await whenReady(record, { firstAttemptOnly: true, timeoutMs, signal });
}

/** The next member to try, and those that were passed over since they do not offer the same tool. */
function nextMember<Result>(
  group: GroupRecord,
  call: Call<Result>,
  tried: ReadonlySet<string>,
): { readonly member: MemberView | undefined; readonly mismatched: readonly string[] } {
  const mismatched: string[] = [];
  for (const member of select(group.views(), group.active, group.config.policy)) {
    if (tried.has(member.id) || (call.on !== undefined && member.id !== call.on)) continue;
    const record = group.record(member.id);
    const isOpenQuestion = call.tool === undefined || (record !== undefined && isAsleep(record));
    if (isOpenQuestion || offersTheSame(group, member.id, call.tool)) return { member, mismatched };
    mismatched.push(member.id);
  }
  return { member: undefined, mismatched };
}

function offersTheSame(group: GroupRecord, memberId: string, tool: string | undefined): boolean {
  const reference = group.reference();
  if (tool === undefined || reference.id === memberId) return true;
  const catalog = group.record(memberId)?.catalog;
  if (catalog?.known !== true || reference.catalog === undefined) return false;
  const wanted = toolOf(reference.catalog, tool)?.inputHash;
  return wanted !== undefined && toolOf(catalog, tool)?.inputHash === wanted;
}

const indexes = new WeakMap<Catalog, ReadonlyMap<string, ListedTool>>();

function toolOf(catalog: Catalog, name: string): ListedTool | undefined {
  let index = indexes.get(catalog);
  if (index === undefined) {
    index = new Map(catalog.tools.map((listed) => [listed.tool.name, listed]));
    indexes.set(catalog, index);
  }
  return index.get(name);
}

/** The call as this member gets it. */
function attempt<Result>(call: Call<Result>, member: MemberView, attempts: number, spentMs: number): Call<Result> {
  if (attempts === 1 && spentMs === 0 && member.admits) return call;
  const { options } = call;
  const { onServed } = options;
  const here: CallOptions = {
    ...options,
    evenIfUnhealthy: options.evenIfUnhealthy === true || !member.admits,
    ...(onServed && {
      onServed: ({ serverId, generation }) => {
        onServed({ serverId, generation, attempts });
      },
    }),
  };
  return { ...call, options: here, spentMs };
}

/** Only what certainly reached no server, and was not ended by its caller, is handed to the next member. */
function movesOn(error: unknown): error is HoldfastError {
  return (
    isHoldfastError(error) &&
    error.outcome === 'not-sent' &&
    !(error instanceof CallAbortedError || error instanceof CallTimeoutError)
  );
}

function nobody<Result>(
  group: GroupRecord,
  call: Call<Result>,
  mismatched: readonly string[],
  refusal: unknown,
): GroupUnavailableError | FailoverSchemaMismatchError {
  const retryAfterMs = soonestAttemptMs(group);
  if (refusal === undefined && call.tool !== undefined && mismatched.length > 0) {
    return new FailoverSchemaMismatchError({
      groupId: group.id,
      tool: call.tool,
      reference: group.reference().id,
      members: mismatched,
      retryAfterMs,
    });
  }
  return unavailable(group, `${whatIs(call)} was not sent`, refusal);
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
