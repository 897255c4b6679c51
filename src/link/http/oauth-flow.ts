import { auth, extractWWWAuthenticateParams } from '@modelcontextprotocol/client';
import { Agent, fetch } from 'undici';
import type { OAuthProvider, TokenChallenge } from './auth-provider.ts';

/** How much an authorisation server may say in one answer, in bytes, and how long it may take, in milliseconds. */
const MAX_ANSWER_BYTES = 1024 * 1024;
const ANSWER_LIMIT_MS = 5_000;

/**
 * Runs the SDK's OAuth flow for a server that refused a request: renews the tokens, or sends the person in charge to where new ones
 * can be had. Rejects with what the SDK or the provider threw. Loading this file loads the SDK's part for it, which is large.
 */
export async function authorise(
  provider: OAuthProvider,
  serverUrl: URL,
  { status, wwwAuthenticate }: TokenChallenge,
): Promise<'AUTHORIZED' | 'REDIRECT'> {
  const asked = extractWWWAuthenticateParams(
    new Response(null, { status, headers: wwwAuthenticate === null ? {} : { 'www-authenticate': wwwAuthenticate } }),
  );
  const scope = status === 403 ? union((await provider.tokens())?.scope, asked.scope) : asked.scope;
  // Connections of its own, so that none outlives the flow.
  const agent = new Agent({
    headersTimeout: ANSWER_LIMIT_MS,
    bodyTimeout: ANSWER_LIMIT_MS,
    connectTimeout: ANSWER_LIMIT_MS,
  });
  try {
    return await auth(provider, {
      serverUrl,
      ...(scope === undefined ? {} : { scope }),
      ...(asked.resourceMetadataUrl === undefined ? {} : { resourceMetadataUrl: asked.resourceMetadataUrl }),
      fetchFn: (url, init) => cappedFetch(agent, url, init),
    });
  } finally {
    await agent.destroy();
  }
}

/** What was granted and what is missing now: new tokens take the place of the old ones, and must not allow less. */
function union(granted: string | undefined, missing: string | undefined): string | undefined {
  if (granted === undefined || missing === undefined) return missing;
  return [...new Set([...granted.split(' '), ...missing.split(' ')])].join(' ');
}

async function cappedFetch(agent: Agent, url: string | URL, init: RequestInit = {}): Promise<Response> {
  const { method, headers, body, redirect } = init;
  const response = await fetch(url, {
    dispatcher: agent,
    headers: [...new Headers(headers)],
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    ...(method === undefined ? {} : { method }),
    ...(redirect === undefined ? {} : { redirect }),
    ...(body instanceof URLSearchParams || typeof body === 'string' ? { body: body.toString() } : {}),
  });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    if (!(chunk instanceof Uint8Array)) continue;
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('The authorisation server sent more than an answer can hold.');
    chunks.push(chunk);
  }
  return new Response(chunks.length === 0 ? null : Buffer.concat(chunks), {
    status: response.status,
    statusText: response.statusText,
    headers: [...response.headers],
  });
}
