import type { LinkTarget } from '../link/target.ts';
import type { SessionPolicy } from '../machines/session-context.ts';
import type { ResolvedServerOptions } from './server-options.ts';

/** Options that are the same object give policies that are the same object, one for each kind of target. */
const known = new WeakMap<ResolvedServerOptions, Map<LinkTarget['kind'], SessionPolicy>>();

/** What a session's decisions depend on: its options, and what its target allows. */
export function policyOf(target: LinkTarget, options: ResolvedServerOptions): SessionPolicy {
  let policies = known.get(options);
  if (policies === undefined) {
    policies = new Map();
    known.set(options, policies);
  }
  let policy = policies.get(target.kind);
  if (policy === undefined) {
    policy = {
      healthCheck: options.healthCheck,
      reconnect: target.kind === 'once' ? { ...options.reconnect, enabled: false } : options.reconnect,
      connectTimeoutMs: options.connectTimeoutMs,
      limited: target.kind === 'stdio',
      lazy: options.lazy,
    };
    policies.set(target.kind, policy);
  }
  return policy;
}
