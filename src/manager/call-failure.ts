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
import type { HoldfastError } from '../errors/holdfast-error.ts';
import type { AttemptFailure } from '../machines/retry-policy.ts';
import { LinkError, type Fault, type RequestFailure } from '../link/fault.ts';

/** Why we ended a call ourselves. */
export type Ending =
  /** `isOwnStall`: we ourselves were stalled for much of that time, so that it says little about the server. */
  | { readonly kind: 'timeout'; readonly afterMs: number; readonly isOwnStall: boolean }
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
    case 'aborted':
      return endedError(
        serverId,
        generation,
        asked,
        failure.sent ? 'unknown' : 'not-sent',
        ending ?? { kind: 'aborted', reason: error },
      );
    case 'refused':
      return refusedError(failure.fault, serverId, generation, asked, error);
    case 'link':
      return lostError(failure, serverId, generation, asked, error);
  }
}

/** The error for a call that we ended ourselves. */
export function endedError(
  serverId: string,
  generation: number,
  asked: Asked,
  outcome: 'unknown' | 'not-sent',
  ending: Ending,
): CallAbortedError | CallTimeoutError {
  if (ending.kind === 'timeout') {
    const what =
      outcome === 'unknown'
        ? `Server "${serverId}" gave ${whatIs(asked)} no answer`
        : `${capital(whatIs(asked))} could not be sent to server "${serverId}"`;
    return new CallTimeoutError(`${what} within ${ending.afterMs} ms. ${effectOf(outcome)}`, {
      serverId,
      generation,
      outcome,
      timeoutMs: ending.afterMs,
    });
  }
  return new CallAbortedError(`${capital(whatIs(asked))} on server "${serverId}" was aborted. ${effectOf(outcome)}`, {
    serverId,
    generation,
    outcome,
    cause: ending.reason,
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
      return new AuthRequiredError(message, { ...where, url: fault.authorizationUrl });
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
      url: fault.authorizationUrl,
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

/** The call was ended by its caller, by its time, or with its server: no other server is asked. */
export function isEnd(error: HoldfastError): boolean {
  return error instanceof CallAbortedError || error instanceof CallTimeoutError;
}

/** What a call's failure says about another attempt of it. */
export function failureKind(error: HoldfastError): AttemptFailure {
  if (isEnd(error)) return { kind: 'final' };
  const { outcome, retryAfterMs } = error;
  switch (outcome) {
    case 'unknown':
      return error instanceof OutcomeUnknownError || error instanceof ProtocolError
        ? { kind: 'unknown', retryAfterMs }
        : { kind: 'final' };
    case 'not-sent':
    case 'rejected':
      if (error instanceof OverloadedError) return { kind: 'overload', retryAfterMs };
      if (error instanceof AuthRequiredError) return { kind: 'refused' };
      if (outcome === 'not-sent') return { kind: 'not-sent' };
      return { kind: error instanceof NotReadyError ? 'session-lost' : 'final' };
    default:
      return { kind: 'final' };
  }
}

export function whatIs({ method, tool }: Asked): string {
  return tool === undefined ? method : `the call of tool "${tool}"`;
}

/** A sentence made fit for the middle of another. */
export function withoutPeriod(sentence: string): string {
  return sentence.replace(/\.+$/u, '');
}

export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function effectOf(outcome: 'unknown' | 'not-sent'): string {
  return outcome === 'unknown' ? 'It may have been executed.' : 'It was not sent.';
}
