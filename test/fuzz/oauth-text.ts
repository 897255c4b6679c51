import fc from 'fast-check';
import { damaged } from './bytes.ts';
import { replyBytes } from './http-reply-bytes.ts';
import { nearly, valueText } from './json-text.ts';
import type { Script, ScriptedReply } from './reply-server.ts';
import { FIRST_ID } from './rpc-text.ts';

/** What a token of a hostile server would put into a request, if it were taken as it is. */
export const INJECTED = 'x-injected';
/** More than an answer may hold, in bytes. */
const TOO_MANY = 1_500_000;
/** The token in an answer that is right, but for its size. */
export const OVERSIZED = 'oversized';

const text = (...values: readonly string[]): fc.Arbitrary<string> =>
  fc.constantFrom(...values).map((value) => JSON.stringify(value));
const texts = (...values: readonly string[]): fc.Arbitrary<string> =>
  fc.array(text(...values), { maxLength: 3 }).map((items) => `[${items.join(',')}]`);

/** Addresses of the server that is asked, and others. */
const addresses = (origin: string, path: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(`${origin}${path}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        path,
        '',
        'javascript:alert(1)',
        'data:application/json,{}',
        'file:///etc/passwd',
        `${origin}/mcp`,
        `${origin}/no/such`,
        'http://127.0.0.1:1/',
        'http://[::1',
        `http://user:secret@${origin.slice(7)}${path}`,
        `${origin}${path}?a=1#b`,
      ),
    },
  );
const address = (origin: string, path: string): fc.Arbitrary<string> =>
  addresses(origin, path).map((value) => JSON.stringify(value));

const tokens = nearly({
  access_token: text('token-1', 'token-1', '', ' ', `t\r\n${INJECTED}: 1`, 'tøken', '🙂', '\0', 'x'.repeat(100_000)),
  token_type: text('Bearer', 'bearer', 'mac', ''),
  refresh_token: text('refresh-1', `r\r\n${INJECTED}: 1`, ''),
  expires_in: fc.constantFrom('3600', '-1', '1e999', '"3600"', 'null'),
  scope: text('a b', ''),
});
const refusal = nearly({
  error: text('invalid_grant', 'invalid_client', 'unauthorized_client', 'invalid_scope', '', 'x'.repeat(1_000)),
  error_description: text('refresh-secret is no good', ''),
});

/** The value of `WWW-Authenticate`, as a server of that origin could write it. */
export function challenge(origin: string): fc.Arbitrary<string> {
  const metadata = addresses(origin, '/metadata').map((url) => `resource_metadata="${url}"`);
  const parameter = fc.oneof(
    { weight: 4, arbitrary: metadata },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'error="invalid_token"',
        'error=insufficient_scope',
        'scope="a b"',
        'scope=""',
        'scope="\u00e9"',
        'realm="x, y"',
        'resource_metadata=',
        'resource_metadata="',
        'resource_metadata="x" resource_metadata="y"',
        '=',
        ',,,',
        '"',
        'x'.repeat(5_000),
      ),
    },
  );
  return fc
    .tuple(fc.constantFrom('Bearer', 'bearer', 'DPoP', 'Basic', '', 'Bearer,'), fc.array(parameter, { maxLength: 3 }))
    .map(([scheme, parameters]) => `${scheme} ${parameters.join(', ')}`);
}

function documents(origin: string): Readonly<Record<string, fc.Arbitrary<string>>> {
  const resource = nearly({
    resource: address(origin, '/mcp'),
    authorization_servers: address(origin, '').map((server) => `[${server}]`),
    scopes_supported: texts('a', 'b', ''),
  });
  const server = nearly({
    issuer: fc.oneof({ weight: 5, arbitrary: text(origin, `${origin}/`) }, valueText),
    authorization_endpoint: address(origin, '/authorize'),
    token_endpoint: address(origin, '/token'),
    registration_endpoint: address(origin, '/register'),
    response_types_supported: texts('code', 'token'),
    code_challenge_methods_supported: fc.oneof(
      { weight: 4, arbitrary: fc.constant('["S256"]') },
      texts('plain', 'S256'),
    ),
    token_endpoint_auth_methods_supported: texts('none', 'client_secret_post', 'client_secret_basic', 'x'),
    grant_types_supported: texts('authorization_code', 'refresh_token'),
  });
  const registration = nearly({
    client_id: text('client', '', `c\r\n${INJECTED}: 1`),
    client_secret: text('client-secret', ''),
    redirect_uris: texts('http://127.0.0.1:1/callback', 'javascript:1'),
  });
  return {
    '/metadata': resource,
    '/.well-known/oauth-protected-resource/mcp': resource,
    '/.well-known/oauth-protected-resource': resource,
    '/.well-known/oauth-authorization-server': server,
    '/.well-known/openid-configuration': server,
    '/register': registration,
    '/token': fc.oneof({ weight: 4, arbitrary: tokens }, { weight: 1, arbitrary: refusal }),
  };
}

/** What an authorisation server answers to whatever it may be asked: mostly what it should, with mistakes. */
export function oauthReplies(origin: string): fc.Arbitrary<Script> {
  const replies = Object.entries(documents(origin)).map(([name, document]) => [name, replyWith(document)] as const);
  return fc.record(Object.fromEntries(replies));
}

function replyWith(document: fc.Arbitrary<string>): fc.Arbitrary<ScriptedReply[]> {
  const right = fc
    .tuple(fc.constantFrom(200, 200, 200, 200, 201, 400, 401, 404, 500), document)
    .map(([status, body]) => responseOf(status, Buffer.from(body)));
  const reply = fc.oneof(
    { weight: 8, arbitrary: right },
    { weight: 1, arbitrary: damaged(right) },
    { weight: 1, arbitrary: replyBytes([FIRST_ID]) },
    { weight: 1, arbitrary: fc.constant(oversized) },
  );
  return fc.array(
    reply.map((bytes): ScriptedReply => ({ pieces: [bytes], ending: 'end' })),
    { minLength: 1, maxLength: 2 },
  );
}

const oversized = responseOf(
  200,
  Buffer.from(`{"access_token":"${OVERSIZED}","token_type":"Bearer"${' '.repeat(TOO_MANY)}}`),
);

function responseOf(status: number, body: Buffer): Buffer {
  const head = `HTTP/1.1 ${status} As said\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}
