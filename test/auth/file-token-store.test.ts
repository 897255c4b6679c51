import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileTokenStore, TokenFileError } from '../../src/auth/index.ts';

const tokens = (name: string) => ({ access_token: name, token_type: 'Bearer' });

describe('a file of tokens', () => {
  let directory = '';
  let path = '';

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-tokens-'));
    path = join(directory, 'deep', 'tokens.json');
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  it('is made with the first change, for its owner alone, and leaves nothing else behind', async () => {
    const store = fileTokenStore(path);
    expect(store.read('a')).toEqual({});
    expect(existsSync(path)).toBe(false);
    await store.change('a', () => ({ tokens: tokens('one') }));
    expect(store.read('a')).toEqual({ tokens: tokens('one') });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'deep')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(directory, 'deep'))).toEqual(['tokens.json']);
  });

  it('keeps the servers apart, whatever they are called', async () => {
    const store = fileTokenStore(path);
    for (const key of ['a', '__proto__', 'constructor']) await store.change(key, () => ({ tokens: tokens(key) }));
    expect(['a', '__proto__', 'constructor'].map((key) => store.read(key).tokens?.access_token)).toEqual([
      'a',
      '__proto__',
      'constructor',
    ]);
    expect(store.read('toString')).toEqual({});
  });

  it('loses no change of several writers at once, and each sees what the others wrote', async () => {
    const [one, other] = [fileTokenStore(path), fileTokenStore(path)];
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? one : other).change(`s${n}`, () => ({ tokens: tokens(String(n)) })),
      ),
    );
    expect(Array.from({ length: 20 }, (_, n) => one.read(`s${n}`).tokens?.access_token)).toEqual(
      Array.from({ length: 20 }, (_, n) => String(n)),
    );
    await other.change('s0', () => ({ tokens: tokens('renewed') }));
    expect(one.read('s0').tokens).toEqual(tokens('renewed'));
  });

  it('takes the place of a lock whose holder died', async () => {
    const store = fileTokenStore(path);
    await store.change('a', () => ({}));
    writeFileSync(`${path}.lock`, '');
    utimesSync(`${path}.lock`, 0, 0);
    await store.change('a', () => ({ tokens: tokens('one') }));
    expect(store.read('a').tokens).toEqual(tokens('one'));
  });

  const damaged: readonly [string, string][] = [
    ['is no JSON', 's3cr3t {'],
    ['is something else', '[]'],
    ['is of another version', '{"version":2,"servers":{}}'],
    ['has no servers', '{"version":1,"servers":7}'],
    ['has servers without names', '{"version":1,"servers":[{}]}'],
  ];

  it.each(damaged)('that %s is an error that quotes nothing of it, and is left as it is', async (_how, text) => {
    const store = fileTokenStore(path);
    await store.change('a', () => ({}));
    writeFileSync(path, text);
    expect(() => store.read('a')).toThrow(TokenFileError);
    expect(() => store.read('a')).not.toThrow('s3cr3t');
    await expect(store.change('a', () => ({}))).rejects.toMatchObject({ code: 'TOKEN_FILE', file: path });
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(readdirSync(join(directory, 'deep'))).toEqual(['tokens.json']);
  });

  it('that others can read is an error that says what to do', async () => {
    const store = fileTokenStore(path);
    await store.change('a', () => ({ tokens: tokens('one') }));
    chmodSync(path, 0o644);
    utimesSync(path, 1, 1);
    expect(() => store.read('a')).toThrow('chmod 600');
  });
});
