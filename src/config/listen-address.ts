/** Where the status API listens: an address, of which what is absent is the default, or a unix socket. */
export type ListenAddress = { readonly host?: string; readonly port?: number } | { readonly socketPath: string };

/** Reads what `--listen` and `holdfast.listen` say: `7500`, `127.0.0.1:7500`, `[::1]:0`, `localhost`, `unix:/run/holdfast.sock`; undefined when it is none of these. */
export function readListenAddress(text: string): ListenAddress | undefined {
  if (text.startsWith('unix:')) return text.length > 5 ? { socketPath: text.slice(5) } : undefined;
  const parts = /^(?:(?<host>\[[\da-f:]+\]|[\w.-]*[a-z.][\w.-]*|))(?::?(?<port>\d{1,5}))?$/iu.exec(text)?.groups;
  if (parts === undefined || text === '') return undefined;
  const host = (parts['host'] ?? '').replace(/^\[|\]$/gu, '');
  const port = parts['port'] === undefined ? undefined : Number(parts['port']);
  if (port !== undefined && port > 65_535) return undefined;
  return { ...(host === '' ? {} : { host }), ...(port === undefined ? {} : { port }) };
}
