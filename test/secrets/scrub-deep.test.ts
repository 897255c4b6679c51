import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SecretRegistry } from '../../src/secrets/secret-registry.ts';

const secret = 'hunter2-hunter2';

function registry(): SecretRegistry {
  const made = new SecretRegistry();
  made.register(secret);
  return made;
}

/** All that can be seen of it. */
function seen(value: unknown): string {
  return inspect(value, { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null });
}

function circular(text: string): { text: string; self?: unknown } {
  const value: { text: string; self?: unknown } = { text };
  value.self = value;
  return value;
}

describe('plain data', () => {
  it.each([
    ['a text', secret, '[secret]'],
    ['a list', [1, `x${secret}`, null], [1, 'x[secret]', null]],
    ['a record', { a: { b: [secret] }, n: 1 }, { a: { b: ['[secret]'] }, n: 1 }],
    ['a key', { [`key ${secret}`]: 1 }, { 'key [secret]': 1 }],
    ['a map', new Map([[secret, [secret]]]), new Map([['[secret]', ['[secret]']]])],
    ['a set', new Set([secret]), new Set(['[secret]'])],
    ['an address', { at: new URL(`https://x.test/${secret}`) }, { at: 'https://x.test/[secret]' }],
  ])('%s is copied without secrets, and stays as it was', (_, value, clean) => {
    const before = seen(value);
    expect(registry().scrubDeep(value)).toEqual(clean);
    expect(seen(value)).toBe(before);
  });

  it.each([
    ['a number', 7],
    ['nothing', undefined],
    ['a record', { a: [{ b: 'clean' }], at: new Date(0) }],
    ['a cycle', circular('clean')],
    ['an error', new Error('clean', { cause: new TypeError('clean too') })],
  ])('%s without secrets is returned as it is', (_, value) => {
    expect(registry().scrubDeep(value)).toBe(value);
  });

  it('everything is returned as it is while no secret is registered', () => {
    const value = { bytes: Buffer.from(secret), text: 'x'.repeat(2_000_000) };
    expect(new SecretRegistry().scrubDeep(value)).toBe(value);
  });

  it('keeps cycles', () => {
    const clean = registry().scrubDeep(circular(secret)) as { text: string; self: unknown };
    expect(clean.text).toBe('[secret]');
    expect(clean.self).toBe(clean);
  });

  it('makes values of getters, also of those that throw', () => {
    const value = {
      get key(): string {
        return secret;
      },
      get broken(): string {
        throw new Error(secret);
      },
    };
    expect(registry().scrubDeep(value)).toEqual({ key: '[secret]', broken: '[cannot be read]' });
  });

  it('names what it cannot look through', () => {
    class Connection {
      readonly header = secret;
    }
    const value = { connection: new Connection(), bytes: Buffer.from(secret), done: Promise.resolve(secret) };
    expect(registry().scrubDeep(value)).toEqual({
      connection: '[Connection]',
      bytes: '[Buffer]',
      done: '[Promise]',
    });
  });

  it('survives what does not want to be looked at', () => {
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    expect(registry().scrubDeep({ revoked: revoked.proxy })).toEqual({ revoked: '[cannot be read]' });
  });

  it('goes 32 levels deep, and leaves out the rest', () => {
    let value: unknown = secret;
    for (let level = 0; level < 40; level += 1) value = { value };
    const text = JSON.stringify(registry().scrubDeep(value));
    expect(text).toBe(`${'{"value":'.repeat(33)}"[…]"${'}'.repeat(33)}`);
  });

  it('looks at 10 000 values, and leaves out the rest', () => {
    const list = registry().scrubDeep(Array.from({ length: 20_000 }, () => 7)) as unknown[];
    expect(list).toHaveLength(9_999);
    expect(Object.keys(list).at(-1)).toBe('[…]');
  });

  it('cuts texts beyond 1 MiB, and no secret in two', () => {
    const limit = 1024 * 1024;
    const text = `${'x'.repeat(limit - 8)}${secret}${'y'.repeat(100)}`;
    expect(registry().scrubDeep(text)).toBe(`${'x'.repeat(limit - 8)}[secret]…`);
  });
});

describe('an error', () => {
  class Failure extends Error {
    override readonly name = 'Failure';
    readonly details: unknown;

    constructor(message: string, details: unknown, options?: ErrorOptions) {
      super(message, options);
      this.details = details;
    }
  }

  it('stays what it is, without secrets in message, stack, fields and causes; the original is not touched', () => {
    const cause = new Failure(`inner ${secret}`, { header: `Bearer ${secret}` });
    const error = new AggregateError([new Error(secret), secret], `outer ${secret}`, { cause });
    const before = seen(error);
    const clean = registry().scrubDeep(error);
    expect(clean).toBeInstanceOf(AggregateError);
    expect(clean).toMatchObject({ message: 'outer [secret]', errors: [{ message: '[secret]' }, '[secret]'] });
    expect(clean.cause).toBeInstanceOf(Failure);
    expect(clean.cause).toMatchObject({ name: 'Failure', details: { header: 'Bearer [secret]' } });
    expect(clean.stack).toMatch(/^AggregateError: outer \[secret\]\n {4}at .*scrub-deep/);
    expect(seen(clean)).not.toContain(secret);
    expect(seen(error)).toBe(before);
  });

  it('of the system keeps its code', () => {
    const error = Object.assign(new Error(`connect ${secret}`), { code: 'ECONNREFUSED', errno: -111 });
    expect(registry().scrubDeep(error)).toMatchObject({
      message: 'connect [secret]',
      code: 'ECONNREFUSED',
      errno: -111,
    });
  });

  it('of the platform keeps its name and its code, which are getters of its class', () => {
    const clean = registry().scrubDeep(new DOMException(`not ${secret}`, 'AbortError'));
    expect(clean).toBeInstanceOf(DOMException);
    expect(clean).toMatchObject({ name: 'AbortError', message: 'not [secret]', code: 20 });
    expect(seen(clean)).not.toContain(secret);
  });

  it('that is its own cause is copied once', () => {
    const error = new Error(secret);
    error.cause = error;
    const clean = registry().scrubDeep(error);
    expect(clean.cause).toBe(clean);
  });

  it('gives no sign of a connection that it carries', () => {
    class ClientRequest {
      readonly header = `GET / HTTP/1.1\r\nAuthorization: Bearer other-${secret}`;
    }
    const error = Object.assign(new Error('refused'), { request: new ClientRequest() });
    expect(registry().scrubDeep(error)).toMatchObject({ message: 'refused', request: '[ClientRequest]' });
  });
});

describe('what is logged', () => {
  it('shows no text under the name of a secret, whether it is registered or not', () => {
    const fields = {
      serverId: 'a',
      request: { headers: new Map([['Authorization', 'Bearer unknown']]), tokens: 5, apiKey: 'unknown' },
      err: Object.assign(new Error('refused'), { password: 'unknown' }),
    };
    expect(new SecretRegistry().scrubFields(fields)).toMatchObject({
      serverId: 'a',
      request: { headers: new Map([['Authorization', '[secret]']]), tokens: 5, apiKey: '[secret]' },
      err: { message: 'refused', password: '[secret]' },
    });
  });

  it('is passed on as it is when there is nothing to hide', () => {
    const fields = { serverId: 'a', err: new Error('refused') };
    expect(registry().scrubFields(fields)).toBe(fields);
  });
});
