import { describe, expect, it } from 'vitest';
import { looksSecret, saysWhere } from '../../src/secrets/secret-names.ts';
import { secretsInArgs, secretsInHeader, secretsInText, secretsInVariable } from '../../src/secrets/secrets-in.ts';

describe('a name', () => {
  it.each([
    'API_KEY',
    'apiKey',
    'GITHUB_PERSONAL_ACCESS_TOKEN',
    'CLIENT_SECRET',
    'DB_PASSWORD',
    'PGPASS',
    'passphrase',
    'mysqlPwd',
    'Authorization',
    'auth',
    'GOOGLE_CREDENTIALS',
    'private',
    'SENTRY_DSN',
    'connectionString',
    'AWS_ACCESS_KEY_ID',
    'sig',
    'X-Amz-Signature',
    '--api-key',
  ])('like %s is that of a secret', (name) => {
    expect(looksSecret(name)).toBe(true);
  });

  it.each([
    'PATH',
    'LOG_LEVEL',
    'AUTHOR',
    'PWD',
    'design',
    'SSL_KEY_FILE',
    'SSH_AUTH_SOCK',
    'XAUTHORITY',
    'TOKEN_PATH',
    'AUTH_URL',
    'KEYCLOAK_HOST',
    'AUTH_MODE',
    'PASSWORD_TIMEOUT',
    '',
  ])('like %s is not', (name) => {
    expect(looksSecret(name)).toBe(false);
  });

  it.each(['HOME', 'API_URL', 'DB_HOST', 'PORT', 'USER', 'NODE_ENV', 'AWS_REGION'])('like %s says where', (name) => {
    expect(saysWhere(name)).toBe(true);
  });
});

describe('what is secret in arguments', () => {
  it.each([
    [['--api-key=k-1234'], ['k-1234']],
    [['--api-key', 'k-1234', 'rest'], ['k-1234']],
    [['--token', '--verbose'], []],
    [['--token', '-k-1234'], ['-k-1234']],
    [['--verbose', 'k-1234'], []],
    [['run', '-e', 'API_KEY=k-1234', '-e', 'MODE=fast', 'image'], ['k-1234']],
    [['--env=API_KEY=k==1234=='], ['k==1234==']],
    [['--header', 'Authorization: Bearer t-1234'], ['t-1234']],
    [['--header', 'Authorization:Bearer t-1234'], ['t-1234']],
    [['postgres://me:pa%2Fss@db.example.com/main'], ['pa%2Fss', 'pa/ss']],
    [['https://example.com/mcp?api_key=k-1234&page=2'], ['k-1234']],
    [['server.js', '/srv/data', '--port=8080'], []],
  ])('%j', (args, secrets) => {
    expect(secretsInArgs(args)).toEqual(secrets);
  });
});

describe('what is secret in a variable', () => {
  it.each([
    ['API_KEY', 'k-1234', ['k-1234']],
    ['AUTH', 'Bearer t-1234', ['t-1234']],
    ['LOG_LEVEL', 'debug', []],
    ['DATABASE_URL', 'postgres://me:pass-1@db/main', ['pass-1']],
    ['REMOTE', 'https://ghp_1234@github.com/a/b', ['ghp_1234']],
    ['STORAGE', 'AccountName=me;AccountKey=k/1234==;Suffix=x', ['k/1234==']],
    ['HEADERS', '{"Authorization":"Bearer t-1234","Version":"2022-06-28"}', ['t-1234']],
    ['CONFIG', '{"servers":[{"password":"pass-1","name":"one"}]}', ['pass-1']],
    ['CONFIG', '{"servers":[', []],
    ['HOMEPAGE', 'https://example.com/@me/page', []],
  ])('%s', (name, value, secrets) => {
    expect(secretsInVariable(name, value)).toEqual(secrets);
  });
});

describe('what is secret in a header', () => {
  it.each([
    ['Authorization', 'Bearer t-1234', ['t-1234']],
    ['authorization', `Basic ${btoa('me:pass:1')}`, [btoa('me:pass:1'), 'me:pass:1', 'pass:1']],
    ['Authorization', 'AWS4-HMAC-SHA256 Signature=abc123', ['AWS4-HMAC-SHA256 Signature=abc123', 'abc123']],
    ['X-Custom', 'whatever', ['whatever']],
    ['Cookie', 'session=s-1234; theme=dark-blue', ['s-1234', 'dark-blue']],
    ['User-Agent', 'agent/1.0', []],
    ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', []],
  ])('%s', (name, value, secrets) => {
    expect(secretsInHeader(name, value)).toEqual(secrets);
  });
});

it('a text of ordinary words has no secret in it', () => {
  expect(secretsInText('the key to this is patience: no = sign; a://b and c@d')).toEqual([]);
});
