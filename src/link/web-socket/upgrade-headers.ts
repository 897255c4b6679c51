import { Headers } from 'undici';
import type { Fault } from '../fault.ts';
import { unsent } from '../http/http-faults.ts';
import { RequestHeaders } from '../http/request-headers.ts';
import type { HeaderSource } from '../target.ts';

/**
 * Asks the source for the headers of one connection attempt, by the rules of every HTTP request: those that are not the caller's to set
 * are left out. Rejects with a `LinkError`, unsent, for what the source threw and for headers that cannot be sent; no value is quoted.
 */
export async function upgradeHeaders(source: HeaderSource): Promise<Headers> {
  const own = await new RequestHeaders(source).compose('upgrade', undefined);
  const headers = new Headers();
  try {
    for (let at = 0; at + 1 < own.length; at += 2) {
      const name = own[at] ?? '';
      if (!name.startsWith('sec-websocket-')) headers.append(name, own[at + 1] ?? '');
    }
  } catch {
    // The error quotes the value.
    throw unsent(BAD_HEADER);
  }
  return headers;
}

const BAD_HEADER: Fault = {
  kind: 'config',
  code: 'bad-header',
  message: 'A configured header has a name or a value that HTTP does not allow.',
};
