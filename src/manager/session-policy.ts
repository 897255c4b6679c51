import type { LinkTarget } from '../link/target.ts';
import type { SessionPolicy } from '../machines/session-context.ts';
import type { ResolvedServerOptions } from './server-options.ts';

/** Options that are the same object give policies that are the same object, one for each kind of target. */
const known = new WeakMap<ResolvedServerOptions, Map<LinkTarget['kind'], SessionPolicy>>();

/** How long an attempt may take unless that is set: a program has to be loaded first, which an address has been. */
function defaultConnectTimeoutMs(kind: LinkTarget['kind']): number {
  return kind === 'http' || kind === 'webSocket' ? 30_000 : 60_000;
}

/** Whose attempts the connect limiter keeps apart, two at a time; null for what is reached over no network. */
export function originOf(target: LinkTarget): string | null {
  return target.kind === 'http' || target.kind === 'webSocket' ? new URL(target.url).origin : null;
}

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
      circuitBreaker: options.circuitBreaker,
      connectTimeoutMs: options.connectTimeoutMs ?? defaultConnectTimeoutMs(target.kind),
      limited: target.kind !== 'custom' && target.kind !== 'once',
      lazy: options.lazy,
    };
    policies.set(target.kind, policy);
  }
  return policy;
}
