/** The faults that the link itself names. They need no SDK: the loading driver uses them before the SDK is there. */
import type { Fault } from './fault.ts';

/** Why a request is refused before the link has opened. */
export const NOT_OPEN: Fault = { kind: 'transport', code: 'not-open', message: 'The link is not open yet.' };

/** The end that the owner asked for. */
export const CLOSED_BY_OWNER: Fault = { kind: 'closed', code: 'closed', message: 'The link was closed by its owner.' };

/** The end of a transport that says no more than that it is closed. */
export const CLOSED_BY_PEER: Fault = {
  kind: 'transport',
  code: 'closed-by-peer',
  message: 'The transport was closed by the other side.',
};

/** Something arrived that is not JSON-RPC. The payload stays out of the message: it may be large, or secret. */
export const BAD_MESSAGE: Fault = {
  kind: 'protocol',
  code: 'bad-message',
  message: 'The server sent something that is not a JSON-RPC message.',
};

/** A request was given up while half a message had come: what follows is glued to it and lost with it, so let that be an answer to a check. */
export const HALF_MESSAGE: Fault = {
  kind: 'protocol',
  code: 'half-message',
  message: 'The server began a message and did not end it.',
};
