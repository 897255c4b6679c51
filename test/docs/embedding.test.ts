import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { defaultManagerConfig, stdio, type CallOptions, type ManagerPorts, type SessionFact } from '../../src/index.ts';
import type { ManagerCommand, SessionCommand } from '../../src/manager/embedding.ts';
import { resolveServerOptions } from '../../src/manager/server-options.ts';
import { policyOf } from '../../src/manager/session-policy.ts';
import { defaultsIn, leaves, rowsUnder } from './doc-tables.ts';

const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'embedding.md'), 'utf8');

it('the manager options are all there, with their defaults', () => {
  const documented = defaultsIn(text, 'manager option');
  const { defaults, clientInfo, ...scalars } = defaultManagerConfig;
  expect(defaults).toEqual({});
  expect(documented).toEqual({ ...scalars, defaults: 'none', clientInfo: clientInfo.name });
});

it('the server options are all there, with their defaults', () => {
  const options = resolveServerOptions({}, {});
  const { connectTimeoutMs } = policyOf(stdio({ command: 'x' }), options);
  expect(defaultsIn(text, 'server option')).toEqual({
    ...leaves(options),
    connectTimeoutMs,
    handlers: 'none',
    tools: 'none',
  });
});

it('the call options are all there', () => {
  const options = {
    timeoutMs: 0,
    maxTimeoutMs: 0,
    signal: 0,
    onProgress: 0,
    onServed: 0,
    retry: 0,
    evenIfUnhealthy: 0,
    waitForReadyMs: 0,
  } satisfies Record<keyof CallOptions, 0>;
  expect(rowsUnder(text, 'call option').map(([name]) => name)).toEqual(Object.keys(options));
});

it('the events are all there', () => {
  const events = {
    serverAdded: 0,
    serverRemoved: 0,
    stateChanged: 0,
    healthTicked: 0,
    healthChecked: 0,
    reconnectScheduled: 0,
    circuitChanged: 0,
    sessionLost: 0,
    linkLeaked: 0,
    linkFault: 0,
    authRequired: 0,
    catalogChanged: 0,
    resultUnchecked: 0,
    toolChanged: 0,
    resourceUpdated: 0,
    wishRefused: 0,
    serverChanged: 0,
    sessionCrashed: 0,
  } satisfies Record<SessionFact['type'], 0>;
  expect(rowsUnder(text, 'event').flatMap(([names = '']) => names.split(', '))).toEqual(Object.keys(events));
});

it('the ports are all there', () => {
  const ports = {
    clock: 0,
    random: 0,
    links: 0,
    connectLimiter: 0,
    validator: 0,
    logger: 0,
    secrets: 0,
  } satisfies Record<keyof ManagerPorts, 0>;
  expect(rowsUnder(text, 'port').map(([name]) => name)).toEqual(Object.keys(ports));
});

it('the commands to an actor are all there, with their fields', () => {
  const commands = {
    'SERVER.ADD': ['id', 'target', 'options'],
    'SERVER.REMOVE': ['id', 'drainMs'],
    'SERVER.RECONNECT': ['id', 'reason'],
    'GROUP.ADD': ['id', 'group'],
    'GROUP.REMOVE': ['id'],
    'GROUP.FAILOVER': ['id', 'reason'],
    'GROUP.FAILBACK': ['id'],
    'MONITORING.START': [],
    'MONITORING.STOP': [],
    CLOSE: ['drainMs'],
  } satisfies { [T in ManagerCommand['type']]: Exclude<keyof Extract<ManagerCommand, { type: T }>, 'type'>[] };
  const sessionCommands = { OPEN: [], RECONNECT: ['reason'], CLOSE: ['drainMs'] } satisfies {
    [T in SessionCommand['type']]: Exclude<keyof Extract<SessionCommand, { type: T }>, 'type'>[];
  };
  expect(fieldsUnder('command')).toEqual(commands);
  expect(fieldsUnder('session command')).toEqual(sessionCommands);
});

function fieldsUnder(heading: string): Record<string, string[]> {
  return Object.fromEntries(
    rowsUnder(text, heading).map(([name = '', fields = '']) => [name, fields === '' ? [] : fields.split(', ')]),
  );
}
