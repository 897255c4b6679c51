import { classifyFault } from '../classify-fault.ts';
import { LinkError } from '../fault.ts';
import type { Fault, RequestFailure } from '../fault.ts';
import type { ExchangePhase } from './http-exchange.ts';

/** We ended it. */
export const CLOSED: Fault = {
  kind: 'closed',
  code: 'closed',
  message: 'The connection to the server was closed by us.',
};

export const NOT_WANTED: RequestFailure = { kind: 'aborted', sent: false };

export const REPLY_ENDED: Fault = {
  kind: 'transport',
  code: 'reply-ended',
  message: 'The server ended its reply before it gave an answer.',
};

export const NO_ANSWER: Fault = {
  kind: 'protocol',
  code: 'no-answer',
  message: 'The server accepted the request and sent no answer to it.',
};

export const BAD_JSON: Fault = {
  kind: 'protocol',
  code: 'bad-json',
  message: 'The server sent a body that is no JSON.',
};

export const BAD_SESSION_ID: Fault = {
  kind: 'protocol',
  code: 'bad-session-id',
  message: 'The server gave a session id that holds other characters than visible ASCII.',
};

export function tooLarge(maxBytes: number): Fault {
  return {
    kind: 'protocol',
    code: 'message-too-large',
    message: `The server sent a message of more than ${maxBytes} bytes. Have the server send less at a time.`,
  };
}

export function badContentType(mediaType: string): Fault {
  const got = mediaType === '' ? 'no content type' : `the content type ${JSON.stringify(mediaType.slice(0, 60))}`;
  return {
    kind: 'protocol',
    code: 'content-type',
    message: `The server answered with ${got}, where only JSON or an event stream can hold an answer.`,
  };
}

/** The transport was used wrongly. */
export function misuse(code: string, message: string): Fault {
  return { kind: 'internal', code, message };
}

export function unsent(fault: Fault, cause?: unknown): LinkError {
  return new LinkError({ kind: 'link', sent: false, fault }, cause === undefined ? undefined : { cause });
}

/**
 * Why an exchange broke. One that had not been written could not reach the server, whatever the error says: the same ECONNRESET
 * comes from a TLS handshake, from an idle connection and from a server that died while it executed the request.
 */
export function brokenFault(error: unknown, phase: ExchangePhase, origin: string): Fault {
  const code = codeOf(error);
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return {
      kind: 'config',
      code: 'bad-header',
      message: 'A configured header has a name or a value that HTTP does not allow.',
    };
  }
  const fault = classifyFault(error, phase === 'unsent' ? 'start' : 'open');
  if (phase === 'unsent') {
    if (fault.kind === 'overload') return fault;
    return { kind: 'unreachable', code: fault.code, message: `${origin} could not be reached (${fault.code}).` };
  }
  if (fault.kind === 'timeout') {
    return { kind: 'timeout', code: fault.code, message: `${origin} did not answer in time (${fault.code}).` };
  }
  if (isMalformed(code)) {
    return { kind: 'protocol', code, message: `The server sent a response that cannot be read (${code}).` };
  }
  const when = phase === 'sent' ? 'before it answered' : 'in the middle of its answer';
  return { kind: 'transport', code: fault.code, message: `The connection to ${origin} broke ${when} (${fault.code}).` };
}

/** What the HTTP parser, the header limit and zlib complain of. */
function isMalformed(code: string): boolean {
  return (
    code.startsWith('HPE_') ||
    code === 'UND_ERR_HEADERS_OVERFLOW' ||
    code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' ||
    code === 'content-encoding' ||
    code === 'decoding-backlog' ||
    /^Z_[A-Z]+_ERROR$/.test(code) ||
    code.startsWith('ERR__ERROR_') ||
    code.startsWith('ERR_BROTLI_')
  );
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  // undici leaves its code out.
  return error.name === 'HTTPParserError' ? 'HPE_INVALID' : '';
}

/** The rest of a reply could not be had. `why` is the code of what stood in the way. */
export function replyLost(why: string): Fault {
  return {
    kind: 'transport',
    code: 'reply-lost',
    message: `The server's reply broke off before the answer, and could not be taken up again (${why}).`,
  };
}
