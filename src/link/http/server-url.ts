import { unsent } from './http-faults.ts';

/** The address of a server as a URL. Throws a `LinkError` of the kind `config` for one that is no http: or https: URL. */
export function parseServerUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  // The address stays out of the message: what is wrong with it may be the password in it.
  throw unsent({ kind: 'config', code: 'bad-url', message: 'The address of the server is no http: or https: URL.' });
}
