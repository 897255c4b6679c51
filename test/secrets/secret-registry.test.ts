import { describe, expect, it } from 'vitest';
import { RecentSecrets } from '../../src/secrets/recent-secrets.ts';
import { SecretRegistry } from '../../src/secrets/secret-registry.ts';

function registryOf(...secrets: string[]): SecretRegistry {
  const registry = new SecretRegistry();
  for (const secret of secrets) registry.register(secret);
  return registry;
}

describe('scrub', () => {
  it.each([
    ['alone', 'hunter2-hunter2', '[secret]'],
    ['at the beginning', 'hunter2-hunter2 was refused', '[secret] was refused'],
    ['at the end', 'refused: hunter2-hunter2', 'refused: [secret]'],
    ['twice', 'hunter2-hunter2, not hunter2-hunter2!', '[secret], not [secret]!'],
    ['within a word', 'xhunter2-hunter2x', 'x[secret]x'],
    ['not, when a character is missing', 'hunter2-hunter', 'hunter2-hunter'],
    ['not, in another case', 'HUNTER2-HUNTER2', 'HUNTER2-HUNTER2'],
    ['not in nothing', '', ''],
  ])('replaces a secret %s', (_, text, clean) => {
    expect(registryOf('hunter2-hunter2').scrub(text)).toBe(clean);
  });

  it.each([
    ['in a URL', 'p@ss w/rd+1', 'GET /?key=p%40ss%20w%2Frd%2B1&x=1', 'GET /?key=[secret]&x=1'],
    ['in a URL with small letters', 'p@ss w/rd+1', '?key=p%40ss%20w%2frd%2b1', '?key=[secret]'],
    ['in a form', 'p@ss w/rd+1', 'key=p%40ss+w%2Frd%2B1', 'key=[secret]'],
    ['in JSON', 'say "hello"\\now', '{"key":"say \\"hello\\"\\\\now"}', '{"key":"[secret]"}'],
    [
      'in JSON within JSON',
      'say "hello"',
      JSON.stringify({ body: JSON.stringify({ key: 'say "hello"' }) }),
      '{"body":"{\\"key\\":\\"[secret]\\"}"}',
    ],
    ['in base64', 'hunter2-hunter2!', `got ${btoa('hunter2-hunter2!')}.`, 'got [secret].'],
    ['in base64 for URLs', '???>>>???>>>', Buffer.from('???>>>???>>>').toString('base64url'), '[secret]'],
    ['in white space', '  hunter2-hunter2\n', 'key: hunter2-hunter2.', 'key: [secret].'],
    ['in letters beyond ASCII', 'pässwörter', 'https://x/?k=p%C3%A4ssw%C3%B6rter', 'https://x/?k=[secret]'],
  ])('replaces a secret %s', (_, secret, text, clean) => {
    expect(registryOf(secret).scrub(text)).toBe(clean);
  });

  it.each(['me', 'you:', 'him/', 'Aladdin:open '])(
    'replaces a secret in the base64 of a login, behind %s',
    (before) => {
      const secret = 'hunter2-hunter2';
      const login = btoa(`${before}${secret}:rest`);
      const clean = registryOf(secret).scrub(`Basic ${login}`);
      expect(clean).toMatch(/^Basic [\w+/]*\[secret\][\w+/]*=*$/);
      expect(atob(/[\w+/]*/.exec(clean.slice(6))?.[0] ?? '')).not.toContain('hunter');
    },
  );

  it('replaces each line of a key in PEM, and not its frame', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\r\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n';
    const registry = registryOf(pem);
    expect(registry.scrub('-----BEGIN PRIVATE KEY-----')).toBe('-----BEGIN PRIVATE KEY-----');
    expect(registry.scrub('bad key: hkiG9w0BAQEFAASC')).toBe('bad key: [secret]');
    expect(registry.scrub(JSON.stringify({ pem }))).toBe('{"pem":"[secret]"}');
  });

  it('takes the longest of several secrets that begin at the same place', () => {
    expect(registryOf('token-1', 'token-12345', 'token-123').scrub('a token-12345 b token-123 c')).toBe(
      'a [secret] b [secret] c',
    );
  });

  it('leaves no rest of secrets that overlap', () => {
    expect(registryOf('abcdefgh', 'efghijkl', 'ijklmnop').scrub('<abcdefghijklmnop>')).toBe('<[secret]>');
  });

  it('leaves no rest of a secret within another', () => {
    expect(registryOf('inside-key', 'outer-inside-key-outer').scrub('outer-inside-key-outer, inside-key')).toBe(
      '[secret], [secret]',
    );
  });

  it('replaces the beginning of a secret at the end of a text that was cut short', () => {
    const registry = registryOf('hunter2-hunter2');
    expect(registry.scrub('refused: hunter2-hu…')).toBe('refused: [secret]…');
    expect(registry.scrub('refused: hunter2-hu')).toBe('refused: hunter2-hu');
    expect(registry.scrub('refused: hunt…')).toBe('refused: hunt…');
    expect(registry.scrub('hunter2-hunter2hunter2-hunter…')).toBe('[secret]…');
  });

  it('does the same to its own result: nothing', () => {
    const registry = registryOf('hunter2-hunter2', 'secret');
    expect(registry.scrub(registry.scrub('a hunter2-hunter2 b'))).toBe('a [secret] b');
  });
});

it.each(['', 'abc', 'abcde', '8080', '300000', '1234567', 'localhost', 'Production', 'true', 'bearer', '127.0.0.1'])(
  'does not look for %j, which is in too many messages',
  (value) => {
    const registry = registryOf(value);
    expect(registry.isEmpty).toBe(true);
    expect(registry.scrub(`before ${value} after`)).toBe(`before ${value} after`);
  },
);

it.each(['abcdef', '12345678'])('looks for %j, which is long enough', (value) => {
  expect(registryOf(value).scrub(`before ${value} after`)).toBe('before [secret] after');
});

describe('a registration', () => {
  it('ends when it is released; repeats change nothing', () => {
    const registry = new SecretRegistry();
    const release = registry.register('hunter2-hunter2');
    expect(registry.isEmpty).toBe(false);
    release();
    release();
    expect(registry.isEmpty).toBe(true);
    expect(registry.scrub('hunter2-hunter2')).toBe('hunter2-hunter2');
  });

  it('lasts until the last of several for the same value is released', () => {
    const registry = new SecretRegistry();
    const one = registry.register('hunter2-hunter2');
    const other = registry.register('hunter2-hunter2');
    one();
    one();
    expect(registry.scrub('hunter2-hunter2')).toBe('[secret]');
    other();
    expect(registry.scrub('hunter2-hunter2')).toBe('hunter2-hunter2');
  });

  it('keeps the spellings that another secret has in common with it', () => {
    const registry = new SecretRegistry();
    const release = registry.register('hunter2 hunter2');
    registry.register('hunter2%20hunter2');
    release();
    expect(registry.scrub('hunter2%20hunter2 hunter2 hunter2')).toBe('[secret] hunter2 hunter2');
  });

  it('of one secret leaves others alone that end in the same characters', () => {
    const registry = new SecretRegistry();
    const release = registry.register('first-token');
    registry.register('second-token');
    release();
    expect(registry.scrub('first-token second-token')).toBe('first-token [secret]');
  });
});

it('ten thousand secrets are all found, and none of them any more when all are released', () => {
  const registry = new SecretRegistry();
  const secrets = Array.from({ length: 10_000 }, (_, n) => `sk-live-${(n * 7_919).toString(36).padStart(8, '0')}-key`);
  const releases = secrets.map((secret) => registry.register(secret));
  expect(registry.scrub(secrets.join(' | '))).toBe(secrets.map(() => '[secret]').join(' | '));
  for (const release of releases) release();
  expect(registry.scrub(secrets.join(' | '))).toBe(secrets.join(' | '));
});

describe('the latest of secrets that change', () => {
  it('are known until 32 others have been noted', () => {
    const registry = new SecretRegistry();
    const recent = new RecentSecrets(registry);
    for (let n = 100; n < 132; n += 1) recent.note(`token-${n}-${n}`);
    expect(registry.scrub('token-100-100')).toBe('[secret]');
    recent.note('token-200-200');
    expect(registry.scrub('token-100-100 token-101-101 token-200-200')).toBe('token-100-100 [secret] [secret]');
  });

  it('stay known when they are noted again and again among others', () => {
    const registry = new SecretRegistry();
    const recent = new RecentSecrets(registry);
    for (let n = 100; n < 200; n += 1) {
      recent.note('the-token-itself');
      recent.note(`trace-${n}-${n}`);
    }
    expect(registry.scrub('the-token-itself trace-199-199 trace-100-100')).toBe('[secret] [secret] trace-100-100');
  });

  it('are taken apart once each', () => {
    const registry = new SecretRegistry();
    const recent = new RecentSecrets(registry);
    let asked = 0;
    const secretsIn = (value: string): string[] => {
      asked += 1;
      return value.split(' ');
    };
    recent.note('one-part two-part', secretsIn);
    recent.note('one-part two-part', secretsIn);
    expect(asked).toBe(1);
    expect(registry.scrub('two-part, one-part')).toBe('[secret], [secret]');
  });

  it('are all forgotten when they are released, and none is taken after that', () => {
    const registry = new SecretRegistry();
    const recent = new RecentSecrets(registry);
    recent.note('token-one');
    recent.release();
    recent.note('token-two');
    expect(registry.isEmpty).toBe(true);
  });
});
