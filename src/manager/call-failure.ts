import {
  AuthRequiredError,
  CallAbortedError,
  CallTimeoutError,
  NotReadyError,
  OutcomeUnknownError,
  OverloadedError,
  ProtocolError,
  RpcError,
} from '../errors/request-errors.ts';
import { LinkError, type Fault, type RequestFailure } from '../link/fault.ts';

/** Why we ended a call ourselves. */
export type Ending =
  | { readonly kind: 'timeout'; readonly afterMs: number }
  | { readonly kind: 'aborted'; readonly reason: unknown };

/** What a failed call was, as far as its messages go. */
export interface Asked {
  readonly method: string;
  readonly tool?: string | undefined;
}

/** Parse error, invalid request, method not found: answers that say that nothing was executed. */
const refusedCodes: ReadonlySet<number> = new Set([-32_700, -32_600, -32_601]);

/** The typed error for what a link's `request` rejected with. The outcome follows from the phase, never from a message. */
export function failureOf(
  error: unknown,
  serverId: string,
  generation: number,
  asked: Asked,
  ending: Ending | undefined,
): Error {
  const where = { serverId, generation, cause: error };
  if (!(error instanceof LinkError)) {
    return new ProtocolError(`The driver of server "${serverId}" failed; the outcome of ${whatIs(asked)} is unknown.`, {
      ...where,
      outcome: 'unknown',
    });
  }
  const { failure } = error;
  switch (failure.kind) {
    case 'rpc':
      return new RpcError(
        `Server "${serverId}" answered ${whatIs(asked)} with error ${failure.rpcCode}: ${failure.message}`,
        {
          ...where,
          rpcCode: failure.rpcCode,
          data: failure.data,
          outcome: refusedCodes.has(failure.rpcCode) ? 'rejected' : 'executed',
        },
      );
    case 'aborted': {
      const outcome = failure.sent ? 'unknown' : 'not-sent';
      if (ending?.kind !== 'timeout') return abortedError(serverId, generation, asked, outcome, ending?.reason);
      return new CallTimeoutError(
        `Server "${serverId}" gave ${whatIs(asked)} no answer within ${ending.afterMs} ms. ${effectOf(outcome)}`,
        { serverId, generation, outcome, timeoutMs: ending.afterMs },
      );
    }
    case 'refused':
      return refusedError(failure.fault, serverId, generation, asked, error);
    case 'link':
      return lostError(failure, serverId, generation, asked, error);
  }
}

export function abortedError(
  serverId: string,
  generation: number,
  asked: Asked,
  outcome: 'unknown' | 'not-sent',
  reason: unknown,
): CallAbortedError {
  return new CallAbortedError(`${capital(whatIs(asked))} on server "${serverId}" was aborted. ${effectOf(outcome)}`, {
    serverId,
    generation,
    outcome,
    cause: reason,
  });
}

/** The server turned the call away without executing it. */
function refusedError(fault: Fault, serverId: string, generation: number, asked: Asked, cause: unknown): Error {
  const where = { serverId, generation, cause, outcome: 'rejected' } as const;
  const message = `Server "${serverId}" refused ${whatIs(asked)}: ${withoutPeriod(fault.message)}.`;
  switch (fault.kind) {
    case 'overload':
      return new OverloadedError(message, { ...where, retryAfterMs: fault.retryAfterMs });
    case 'auth':
      return new AuthRequiredError(message, where);
    case 'session-lost':
      return new NotReadyError(message, { ...where, retryAfterMs: fault.retryAfterMs });
    default:
      return new ProtocolError(message, where);
  }
}

/** The link failed under the call, or would not take it. */
function lostError(
  failure: Extract<RequestFailure, { readonly kind: 'link' }>,
  serverId: string,
  generation: number,
  asked: Asked,
  cause: unknown,
): Error {
  const { fault, sent } = failure;
  const where = { serverId, generation, cause };
  const why = withoutPeriod(fault.message);
  if (sent) {
    return new OutcomeUnknownError(
      `${capital(whatIs(asked))} on server "${serverId}" (generation ${generation}) may have been executed: ${why}.`,
      { ...where, tool: asked.tool, retryAfterMs: fault.kind === 'overload' ? fault.retryAfterMs : undefined },
    );
  }
  if (fault.kind === 'auth') {
    return new AuthRequiredError(`${capital(whatIs(asked))} was not sent to server "${serverId}": ${why}.`, {
      ...where,
      outcome: 'not-sent',
    });
  }
  if (fault.kind === 'overload') {
    return new OverloadedError(`${capital(whatIs(asked))} was not sent to server "${serverId}": ${why}.`, {
      ...where,
      outcome: 'not-sent',
      retryAfterMs: fault.retryAfterMs,
    });
  }
  return new NotReadyError(`${capital(whatIs(asked))} was not sent to server "${serverId}": ${why}.`, where);
}

export function whatIs({ method, tool }: Asked): string {
  return tool === undefined ? method : `the call of tool "${tool}"`;
}

/** A sentence made fit for the middle of another. */
export function withoutPeriod(sentence: string): string {
  return sentence.replace(/\.+$/u, '');
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function effectOf(outcome: 'unknown' | 'not-sent'): string {
  return outcome === 'unknown' ? 'It may have been executed.' : 'It was not sent.';
}
