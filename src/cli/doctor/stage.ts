import { filter, firstValueFrom } from 'rxjs';
import type { ConnectionInfo, Phase, Session } from '../../index.ts';

/** How far a connection attempt can come, in this order. */
export type Stage = 'opening' | 'spawned' | 'greeted' | 'probed' | 'ready';

const order: readonly Stage[] = ['opening', 'spawned', 'greeted', 'probed', 'ready'];
const stageOfPhase: Partial<Record<Phase, Stage>> = {
  'connecting.opening': 'opening',
  'connecting.verifying': 'greeted',
  'connecting.hydrating': 'probed',
  'connected.healthy': 'ready',
  'connected.degraded': 'ready',
  'connected.unhealthy': 'ready',
};

/** Resolves when the info of a session is as wished, or when the session is closed. */
export async function reached(session: Session, isSo: (info: ConnectionInfo) => boolean): Promise<void> {
  await firstValueFrom(session.info$.pipe(filter(isSo)), { defaultValue: undefined });
}

/**
 * Waits for an attempt to have come to a stage or beyond. Rejects as `attempt` does, which is the session's `ready()`, if that comes first.
 *
 * A stage is to be waited for after the one before it: the info that a process was started is told at once only to a watcher that has not
 * been told of anything else just before.
 */
export async function reachedStage(session: Session, attempt: Promise<void>, stage: Stage): Promise<void> {
  const wanted = order.indexOf(stage);
  const isThere = (info: ConnectionInfo): boolean => order.indexOf(stageOf(info) ?? 'opening') >= wanted;
  await Promise.race([reached(session, (info) => stageOf(info) !== undefined && isThere(info)), attempt]);
}

function stageOf({ phase, pid }: ConnectionInfo): Stage | undefined {
  const stage = stageOfPhase[phase];
  return stage === 'opening' && pid !== null ? 'spawned' : stage;
}
