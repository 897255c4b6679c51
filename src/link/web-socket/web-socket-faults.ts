import { classifyFault } from '../classify-fault.ts';
import type { Fault, FaultKind } from '../fault.ts';
import { tooLarge } from '../http/http-faults.ts';

/** The server has said goodbye, and the connection is about to close. */
export const CLOSING: Fault = {
  kind: 'transport',
  code: 'closed-by-peer',
  message: 'The server is closing the WebSocket.',
};

/** What the server switched to when it was asked for a WebSocket. */
export const BAD_UPGRADE: Fault = {
  kind: 'protocol',
  code: 'bad-upgrade',
  message: 'The server switched protocols, but not to a WebSocket with the subprotocol mcp.',
};

/** undici did not even ask for the connection. */
export const NOT_DIALLED: Fault = {
  kind: 'config',
  code: 'blocked-port',
  message: 'The WebSocket was not opened: its address has a port that is blocked, since other protocols use it.',
};

/** The connection broke under an open WebSocket; `error` is that of its socket, if there was one. */
export function lostConnection(error: unknown): Fault {
  if (error !== undefined) return classifyFault(error, 'open');
  return {
    kind: 'transport',
    code: 'closed-by-peer',
    message: 'The server closed the connection without closing the WebSocket.',
  };
}

/** The server closed the WebSocket, with a code of RFC 6455 or of its own. The reason is its text: for people only. */
export function closedByServer(code: number, reason: string): Fault {
  const said = reason === '' ? '' : `: ${JSON.stringify(reason)}`;
  return {
    kind: kindOfCloseCode(code),
    code: `close:${code}`,
    message: `The server closed the WebSocket with code ${code}${said}.`,
  };
}

function kindOfCloseCode(code: number): FaultKind {
  switch (code) {
    case 1002: // protocol error
    case 1003: // unsupported data
    case 1007: // invalid data
    case 1009: // message too big
    case 1010: // mandatory extension
      return 'protocol';
    case 1013: // try again later
      return 'overload';
    case 3000: // unauthorized
    case 3003: // forbidden
      return 'auth';
    default:
      return 'transport';
  }
}

/** What undici gave the connection up for, by the code of the close frame that it sent. */
export function givenUp(code: number, maxMessageBytes: number): Fault {
  if (code === 1009) return tooLarge(maxMessageBytes);
  return {
    kind: 'protocol',
    code: 'bad-frame',
    message: `The server sent what is no WebSocket message; the connection was closed with code ${code}.`,
  };
}

/** A message that came over the wire and is no JSON object. Its text stays out of it: it may be large, or secret. */
export function notAMessage(isLastReport: boolean): Fault {
  const more = isLastReport ? ' Further ones are counted and not reported.' : '';
  return {
    kind: 'protocol',
    code: 'not-a-message',
    message: `The server sent something over the WebSocket that is no JSON-RPC message. It was ignored.${more}`,
  };
}
