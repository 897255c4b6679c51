import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { InitializeResultSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, it } from 'vitest';
import { classifyFault, classifyRpcError, describeThrown } from '../../src/link/classify-fault.ts';
import type { FaultPhase } from '../../src/link/classify-fault.ts';
import { LinkError } from '../../src/link/fault.ts';
import type { FaultKind } from '../../src/link/fault.ts';

function system(code: string, syscall?: string): Error {
  return Object.assign(new Error(`${syscall ?? 'op'} ${code}`), { code, ...(syscall && { syscall }) });
}

function named(name: string, message = 'said so'): Error {
  return Object.assign(new Error(message), { name });
}

const zodError = InitializeResultSchema.safeParse({}).error;

describe('classifyFault', () => {
  it.each<[what: string, thrown: unknown, phase: FaultPhase, kind: FaultKind, code: string]>([
    ['a refused connection', system('ECONNREFUSED', 'connect'), 'start', 'unreachable', 'ECONNREFUSED'],
    ['a refused connection of a factory', system('ECONNREFUSED', 'connect'), 'factory', 'unreachable', 'ECONNREFUSED'],
    ['a refused connection later on', system('ECONNREFUSED', 'connect'), 'open', 'unreachable', 'ECONNREFUSED'],
    ['an unknown host', system('ENOTFOUND', 'getaddrinfo'), 'start', 'unreachable', 'ENOTFOUND'],
    ['a DNS that is away', system('EAI_AGAIN', 'getaddrinfo'), 'start', 'unreachable', 'EAI_AGAIN'],
    ['an unreachable host', system('EHOSTUNREACH', 'connect'), 'start', 'unreachable', 'EHOSTUNREACH'],
    ['an expired certificate', system('CERT_HAS_EXPIRED'), 'start', 'unreachable', 'CERT_HAS_EXPIRED'],
    [
      'a certificate for another host',
      system('ERR_TLS_CERT_ALTNAME_INVALID'),
      'start',
      'unreachable',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'TLS to a plain port',
      system('ERR_SSL_WRONG_VERSION_NUMBER'),
      'start',
      'unreachable',
      'ERR_SSL_WRONG_VERSION_NUMBER',
    ],
    ['a connection that dials too long', system('ETIMEDOUT', 'connect'), 'start', 'unreachable', 'ETIMEDOUT'],
    ['a read that takes too long', system('ETIMEDOUT', 'read'), 'open', 'timeout', 'ETIMEDOUT'],
    ['a reset', system('ECONNRESET', 'read'), 'open', 'transport', 'ECONNRESET'],
    ['a reset in the handshake', system('ECONNRESET', 'read'), 'handshake', 'transport', 'ECONNRESET'],
    ['a broken pipe', system('EPIPE', 'write'), 'open', 'transport', 'EPIPE'],
    ['a destroyed stream', system('ERR_STREAM_DESTROYED'), 'open', 'transport', 'ERR_STREAM_DESTROYED'],
    ['a missing program', system('ENOENT', 'spawn nope'), 'start', 'spawn', 'ENOENT'],
    ['a forbidden program', system('EACCES', 'spawn nope'), 'start', 'spawn', 'EACCES'],
    ['a missing program of a factory', system('ENOENT', 'spawn nope'), 'factory', 'spawn', 'ENOENT'],
    ['a missing file of a factory', system('ENOENT', 'open'), 'factory', 'internal', 'factory-threw'],
    ['a missing socket file', system('ENOENT', 'connect'), 'start', 'unreachable', 'ENOENT'],
    ['no file descriptors left', system('EMFILE', 'spawn nope'), 'start', 'overload', 'EMFILE'],
    ['no processes left', system('EAGAIN', 'spawn nope'), 'start', 'overload', 'EAGAIN'],
    ['a NUL byte in an argument', system('ERR_INVALID_ARG_VALUE'), 'start', 'config', 'ERR_INVALID_ARG_VALUE'],
    ['an invalid URL', system('ERR_INVALID_URL'), 'factory', 'config', 'ERR_INVALID_URL'],
    ['a code nobody knows', system('EWEIRD'), 'open', 'transport', 'EWEIRD'],
    ['a code nobody knows of a factory', system('EWEIRD'), 'factory', 'internal', 'factory-threw'],
    ['a code that is a sentence', system('it went wrong'), 'open', 'transport', 'transport-error'],
    ['HTTP 401', new StreamableHTTPError(401, 'no'), 'handshake', 'auth', 'http:401'],
    ['HTTP 403', new StreamableHTTPError(403, 'no'), 'open', 'auth', 'http:403'],
    ['HTTP 404 before there is a session', new StreamableHTTPError(404, 'no'), 'handshake', 'unreachable', 'http:404'],
    ['HTTP 404 with a session', new StreamableHTTPError(404, 'no'), 'open', 'session-lost', 'http:404'],
    ['HTTP 405', new StreamableHTTPError(405, 'no'), 'handshake', 'protocol', 'http:405'],
    ['HTTP 429', new StreamableHTTPError(429, 'no'), 'open', 'overload', 'http:429'],
    ['HTTP 503 on connecting', new StreamableHTTPError(503, 'no'), 'handshake', 'unreachable', 'http:503'],
    ['HTTP 503 later on', Object.assign(new Error('no'), { status: 503 }), 'open', 'transport', 'http:503'],
    ['the SDK’s own 401', new UnauthorizedError(), 'handshake', 'auth', 'unauthorized'],
    ['a JSON-RPC error', new McpError(-32603, 'boom'), 'handshake', 'protocol', 'rpc:-32603'],
    ['the refusal of an old protocol', new McpError(-32022, 'too old'), 'handshake', 'incompatible', 'rpc:-32022'],
    ['a result of the wrong shape', zodError, 'handshake', 'protocol', 'bad-message'],
    ['a line that is no JSON', new SyntaxError('Unexpected token'), 'open', 'protocol', 'bad-message'],
    ['a syntax error of a factory', new SyntaxError('Unexpected token'), 'factory', 'internal', 'factory-threw'],
    ['a time limit', named('TimeoutError'), 'open', 'timeout', 'timeout'],
    ['an abort', named('AbortError'), 'open', 'closed', 'aborted'],
    ['a plain error in the start', new Error('said so'), 'start', 'transport', 'start-failed'],
    ['a plain error in the handshake', new Error('said so'), 'handshake', 'transport', 'handshake-failed'],
    ['a plain error later on', new Error('said so'), 'open', 'transport', 'transport-error'],
    ['a plain error of a factory', new Error('said so'), 'factory', 'internal', 'factory-threw'],
    ['a string', 'said so', 'open', 'transport', 'transport-error'],
    ['undefined', undefined, 'open', 'transport', 'transport-error'],
    ['null', null, 'factory', 'internal', 'factory-threw'],
    ['an empty object', {}, 'start', 'transport', 'start-failed'],
  ])('takes %s as it should', (_what, thrown, phase, kind, code) => {
    const fault = classifyFault(thrown, phase);
    expect([fault.kind, fault.code]).toEqual([kind, code]);
    expect(fault.message).not.toBe('');
  });

  it('never looks at the text: a message full of codes decides nothing', () => {
    expect(classifyFault(new Error('ECONNREFUSED 401 McpError -32022 spawn ENOENT'), 'open')).toEqual({
      kind: 'transport',
      code: 'transport-error',
      message: 'ECONNREFUSED 401 McpError -32022 spawn ENOENT',
    });
  });

  it('finds the decisive error down the chain of causes and tells both messages', () => {
    const cause = system('ECONNREFUSED', 'connect');
    expect(classifyFault(new TypeError('fetch failed', { cause: new Error('outer', { cause }) }), 'start')).toEqual({
      kind: 'unreachable',
      code: 'ECONNREFUSED',
      message: 'fetch failed: connect ECONNREFUSED',
    });
  });

  it('looks into the first of several errors, as a connection to all addresses of a host throws them', () => {
    const errors = [system('ECONNREFUSED', 'connect'), system('ENETUNREACH', 'connect')];
    expect(classifyFault(new AggregateError(errors, 'all failed'), 'start')).toEqual({
      kind: 'unreachable',
      code: 'ECONNREFUSED',
      message: 'all failed: connect ECONNREFUSED',
    });
  });

  it('ends on a chain of causes that is a ring', () => {
    const error = new Error('ring');
    error.cause = error;
    expect(classifyFault(error, 'open').message).toBe('ring');
  });

  it('passes the fault of a LinkError on as it is', () => {
    const fault = {
      kind: 'exit',
      code: 'exit:1',
      message: 'gone',
      exit: { code: 1, signal: null },
      stderrTail: 'x',
    } as const;
    expect(classifyFault(new LinkError({ kind: 'link', sent: false, fault }), 'open')).toBe(fault);
    expect(
      classifyFault(new Error('wrapped', { cause: new LinkError({ kind: 'link', sent: true, fault }) }), 'open'),
    ).toBe(fault);
    expect(
      classifyFault(new LinkError({ kind: 'rpc', sent: true, rpcCode: -32022, message: 'too old' }), 'handshake'),
    ).toEqual({ kind: 'incompatible', code: 'rpc:-32022', message: 'too old' });
    expect(classifyFault(new LinkError({ kind: 'aborted', sent: true }), 'open')).toEqual({
      kind: 'closed',
      code: 'aborted',
      message: 'the request was aborted',
    });
  });

  it('keeps at most 200 characters of a message and drops the prefix that the SDK puts before it', () => {
    expect(classifyFault(new McpError(-32603, 'x'.repeat(300)), 'handshake').message).toBe(`${'x'.repeat(199)}…`);
    expect(classifyFault(new Error('y'.repeat(200)), 'open').message).toBe('y'.repeat(200));
  });

  it('never throws, whatever it is given', () => {
    const biting = new Proxy(new Error('x'), {
      get: () => {
        throw new Error('bite');
      },
    });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    for (const thrown of [biting, proxy]) {
      expect(classifyFault(thrown, 'open')).toEqual({
        kind: 'transport',
        code: 'transport-error',
        message: 'Something was thrown that cannot be inspected.',
      });
      expect(describeThrown(thrown)).toBe('Something was thrown that cannot be inspected.');
    }
  });
});

describe('classifyRpcError', () => {
  it('has a message of its own where the server sent none', () => {
    expect(classifyRpcError(-32600, '')).toEqual({
      kind: 'protocol',
      code: 'rpc:-32600',
      message: 'The server answered with the JSON-RPC error -32600.',
    });
  });
});
