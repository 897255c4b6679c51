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

/** The same, with no more failures than any of its groups counts: what is beyond that changes nothing. */
export function cappedView(view: MemberView, most: number): MemberView {
  return view.failures > most ? { ...view, failures: most } : view;
}

export function sameView(one: MemberView, other: MemberView): boolean {
  return (
    one.state === other.state &&
    one.starting === other.starting &&
    one.linked === other.linked &&
    one.admits === other.admits &&
    one.failures === other.failures &&
    one.reason === other.reason
  );
}
