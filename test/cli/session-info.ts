import type { ConnectionInfo } from '../../src/index.ts';

/** A healthy session at second 100 of the epoch, but for what is given. */
export function sessionInfo(id: string, given: Partial<ConnectionInfo> = {}): ConnectionInfo {
  return {
    id,
    state: 'healthy',
    phase: 'connected.healthy',
    since: 90_000,
    reason: null,
    generation: 1,
    pid: 4711,
    groups: [],
    establishedAt: 90_000,
    lastHealthCheck: 99_000,
    failedHealthChecks: 0,
    successfulRequests: 0,
    failedRequests: 0,
    activeRequests: 0,
    attempt: 0,
    nextAttemptAt: null,
    lastError: null,
    latencyMs: { last: 1.5, mean: 1.25 },
    circuit: 'closed',
    onProbation: false,
    era: 'legacy',
    eraSince: 90_000,
    protocolVersion: '2025-11-25',
    serverInfo: { name: id, version: '1' },
    ...given,
  };
}
