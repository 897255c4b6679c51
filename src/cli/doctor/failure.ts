import { reached } from './stage.ts';
import { ConnectError, RpcError, isHoldfastError } from '../../index.ts';
import type { HoldfastError, Session } from '../../index.ts';

/** Why a step failed. */
export interface StepFailure {
  /** Machine-readable: a fault code, such as `ENOENT` or `http:401`, or the code of an error. */
  readonly code: string;
  readonly detail: string;
  /** Where a person can allow it, for a server that wants that. */
  readonly url?: string | undefined;
}

/** What the steps of our own (resolve, dial) and what a server itself says of its failure is thrown as. */
export class StepFailedError extends Error {
  override readonly name = 'StepFailedError';
  readonly failure: StepFailure;

  constructor(code: string, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.failure = { code, detail };
  }
}

/**
 * Why a step on a session failed, from what was thrown. Where the connection is what failed, it is the connection's fault that is told:
 * how the process ended, and its last line on stderr. Rejects with what is none of holdfast's errors.
 */
export async function failureOf(thrown: unknown, session: Session): Promise<StepFailure> {
  if (thrown instanceof StepFailedError) return thrown.failure;
  if (!isHoldfastError(thrown)) throw thrown;
  const down = thrown.code === 'CONNECT' || thrown.code === 'AUTH_REQUIRED' ? thrown : await endOf(session);
  if (down === undefined) {
    const code = thrown instanceof RpcError ? `rpc:${thrown.rpcCode}` : thrown.code;
    return { code, detail: thrown.message };
  }
  const { lastError } = session.info;
  const url = 'url' in down && typeof down.url === 'string' ? down.url : undefined;
  const lastLine = down instanceof ConnectError ? lastLineOf(down.stderrTail) : undefined;
  const what = withoutPeriod(lastError?.message ?? down.message);
  return {
    code: lastError?.code ?? down.code,
    detail: lastLine === undefined ? what : `${what}; its last line on stderr: ${lastLine}`,
    url,
  };
}

/** Why the session has no connection any more; undefined while it has one. */
async function endOf(session: Session): Promise<HoldfastError | undefined> {
  await reached(session, ({ phase }) => phase !== 'releasing');
  if (session.info.phase !== 'disconnected.stopped') return undefined;
  return session.ready({ timeoutMs: 0 }).then(
    () => undefined,
    (error: unknown) => (isHoldfastError(error) ? error : undefined),
  );
}

function lastLineOf(text: string | undefined): string | undefined {
  return text?.trimEnd().split('\n').at(-1)?.trim() || undefined;
}

function withoutPeriod(text: string): string {
  return text.replace(/\.$/, '');
}
