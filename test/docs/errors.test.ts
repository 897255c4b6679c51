import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/errors/config-error.ts';
import {
  FailoverSchemaMismatchError,
  GroupUnavailableError,
  UnknownGroupError,
} from '../../src/errors/group-errors.ts';
import { HoldfastError } from '../../src/errors/holdfast-error.ts';
import {
  AuthorizationError,
  AuthRequiredError,
  CallAbortedError,
  CallTimeoutError,
  CircuitOpenError,
  ConnectError,
  InvalidResultError,
  NotReadyError,
  OutcomeUnknownError,
  OverloadedError,
  ProtocolError,
  QueueFullError,
  RpcError,
} from '../../src/errors/request-errors.ts';
import { TaskError } from '../../src/errors/task-errors.ts';
import { ServiceError } from '../../src/service/index.ts';
import { TokenFileError } from '../../src/errors/token-file-error.ts';
import { ToolChangedError, UnknownToolError } from '../../src/errors/tool-errors.ts';
import {
  ClosedError,
  DuplicateServerError,
  InvalidOptionError,
  SessionLimitError,
  UnknownServerError,
} from '../../src/errors/usage-errors.ts';
import { rowsUnder } from './doc-tables.ts';

const root = join(import.meta.dirname, '..', '..');
const text = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
const where = { serverId: 'a', generation: 1 };

/** One of each class: only an instance says what its code is. */
const samples: Readonly<Record<string, HoldfastError>> = {
  InvalidOptionError: new InvalidOptionError('field', 1, 'a text'),
  DuplicateServerError: new DuplicateServerError('a'),
  SessionLimitError: new SessionLimitError('a', 1),
  UnknownServerError: new UnknownServerError('a', []),
  UnknownGroupError: new UnknownGroupError('g', []),
  GroupUnavailableError: new GroupUnavailableError('', { groupId: 'g' }),
  FailoverSchemaMismatchError: new FailoverSchemaMismatchError({
    groupId: 'g',
    tool: 't',
    reference: 'a',
    members: ['b'],
  }),
  UnknownToolError: new UnknownToolError('t', [], true),
  ToolChangedError: new ToolChangedError({ ...where, tool: 't', before: 'x', after: 'y' }),
  AuthRequiredError: new AuthRequiredError('', { ...where, outcome: 'rejected' }),
  TaskError: new TaskError('', { serverId: 'a', problem: 'lost', tool: 't' }),
  ServiceError: new ServiceError(''),
  TokenFileError: new TokenFileError('a', ''),
  AuthorizationError: new AuthorizationError('', { ...where, problem: 'denied' }),
  CircuitOpenError: new CircuitOpenError('', where),
  InvalidResultError: new InvalidResultError('', { ...where, tool: 't', path: '', result: {} }),
  QueueFullError: new QueueFullError('', where),
  ConnectError: new ConnectError('', { ...where, faultCode: 'exit:1' }),
  ClosedError: new ClosedError('manager'),
  ConfigError: new ConfigError({ file: 'a', line: 1, column: 1, field: null, serverId: null, problem: '', fix: '' }),
  NotReadyError: new NotReadyError('', where),
  CallTimeoutError: new CallTimeoutError('', { ...where, outcome: 'unknown', timeoutMs: 1 }),
  CallAbortedError: new CallAbortedError('', { ...where, outcome: 'unknown', cause: undefined }),
  OutcomeUnknownError: new OutcomeUnknownError('', where),
  OverloadedError: new OverloadedError('', { ...where, outcome: 'not-sent' }),
  RpcError: new RpcError('', { ...where, rpcCode: -32_602, data: undefined, outcome: 'executed' }),
  ProtocolError: new ProtocolError('', { ...where, outcome: 'unknown' }),
};

describe('docs/errors.md', () => {
  it('has every error class, with its code, once and nothing else', async () => {
    const documented = rowsUnder(text, 'code');
    expect(documented.map(([code, name]) => `${name} ${code}`).toSorted()).toEqual(
      (await errorClasses()).map((name) => `${name} ${samples[name]?.code ?? '(no sample in this test)'}`).toSorted(),
    );
  });

  it('says for each class what causes it and what to do', () => {
    expect(rowsUnder(text, 'code').filter(([, , cause, fix]) => cause === '' || fix === '')).toEqual([]);
  });

  it('names no field that no error has', () => {
    const fields = new Set(Object.values(samples).flatMap((sample) => Object.keys(sample)));
    const named = [
      'faultCode',
      'exit',
      'stderrTail',
      'limit',
      'field',
      'value',
      'file',
      'line',
      'column',
      'fix',
      'timeoutMs',
      'tool',
      'nearest',
      'before',
      'after',
      'rpcCode',
      'data',
      'retryAfterMs',
    ];
    expect(named.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
    expect(named.filter((name) => !fields.has(name))).toEqual([]);
  });

  it('names only fault codes that the sources have', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => readFileSync(join(root, 'src', path), 'utf8'))
      .join('\n');
    const codes = rowsUnder(text, 'fault code').flatMap(([cell = '']) =>
      cell.split(', ').filter((code) => code !== '…'),
    );
    const isKnown = (code: string): boolean =>
      sources.includes(code.replace(/(?<=:)(?:<\w+>|\w+)$/, '${')) || sources.includes(`'${code}'`);
    expect(codes.filter((code) => !isKnown(code))).toEqual([]);
  });
});

async function errorClasses(): Promise<string[]> {
  const files = readdirSync(join(root, 'src', 'errors')).filter((file) => file.endsWith('.ts'));
  const paths = [...files.map((file) => join('errors', file)), join('listening', 'service-error.ts')];
  const modules = await Promise.all(
    paths.map((path): Promise<Record<string, unknown>> => import(join(root, 'src', path))),
  );
  return modules
    .flatMap((module) => Object.entries(module))
    .filter(([, exported]) => typeof exported === 'function' && exported.prototype instanceof HoldfastError)
    .map(([name]) => name);
}
