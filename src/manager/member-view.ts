import { absentMember, type MemberView } from '../machines/group-policy.ts';
import type { SessionRecord } from './session-record.ts';

/** A server as its groups see it at this moment. */
export function memberViewOf(id: string, record: SessionRecord | undefined): MemberView {
  if (record === undefined || record.finished || record.removing !== undefined) return absentMember(id);
  const { view, tally } = record;
  const { phase, context } = view;
  const linked = record.lease.link?.isOpen === true && phase.startsWith('connected.');
  const starting =
    (phase === 'idle' || phase.startsWith('connecting.')) && !context.everConnected && context.attempt === 0;
  return {
    id,
    state: view.state,
    starting,
    linked,
    admits: (linked && record.admits) || (starting && record.policy.lazy),
    failures: Math.max(context.health.failures, tally.failedInARow),
    reason: context.reason,
  };
}

/** What a server is to its groups; most servers have none. */
export class Membership {
  readonly groups: readonly string[];
  /** The highest threshold of these groups: failures beyond it change nothing. */
  readonly #failuresThatCount: number;
  #told: MemberView | undefined;

  constructor(groups: readonly string[], failuresThatCount: number) {
    this.groups = Object.freeze([...groups]);
    this.#failuresThatCount = failuresThatCount;
  }

  /** What the groups see of the server now, if that is not what they were told last. */
  news(record: SessionRecord): MemberView | undefined {
    const whole = memberViewOf(record.id, record);
    const view = whole.failures > this.#failuresThatCount ? { ...whole, failures: this.#failuresThatCount } : whole;
    if (this.#told !== undefined && isSame(this.#told, view)) return undefined;
    this.#told = view;
    return view;
  }
}

function isSame(one: MemberView, other: MemberView): boolean {
  return (
    one.state === other.state &&
    one.starting === other.starting &&
    one.linked === other.linked &&
    one.admits === other.admits &&
    one.failures === other.failures &&
    one.reason === other.reason
  );
}
