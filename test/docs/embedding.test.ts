import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { defaultManagerConfig, type CallOptions, type ManagerPorts, type SessionFact } from '../../src/index.ts';
import { resolveServerOptions } from '../../src/manager/server-options.ts';
import { rowsUnder } from './doc-tables.ts';

const text = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'embedding.md'), 'utf8');

it('the manager options are all there, with their defaults', () => {
  const documented = defaultsIn('manager option');
  const { defaults, clientInfo, ...scalars } = defaultManagerConfig;
  expect(defaults).toEqual({});
  expect(documented).toEqual({ ...scalars, defaults: 'none', clientInfo: clientInfo.name });
});

it('the server options are all there, with their defaults', () => {
  expect(defaultsIn('server option')).toEqual({ ...leaves(resolveServerOptions({}, {})), handlers: 'none' });
});

it('the call options are all there', () => {
  const options = {
    timeoutMs: 0,
    maxTimeoutMs: 0,
    signal: 0,
    onProgress: 0,
    onServed: 0,
    evenIfUnhealthy: 0,
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
    sessionLost: 0,
    linkLeaked: 0,
    linkFault: 0,
    catalogChanged: 0,
    sessionCrashed: 0,
  } satisfies Record<SessionFact['type'], 0>;
  expect(rowsUnder(text, 'event').flatMap(([names = '']) => names.split(', '))).toEqual(Object.keys(events));
});

it('the ports are all there', () => {
  const ports = { clock: 0, random: 0, links: 0, connectLimiter: 0, logger: 0 } satisfies Record<keyof ManagerPorts, 0>;
  expect(rowsUnder(text, 'port').map(([name]) => name)).toEqual(Object.keys(ports));
});

function defaultsIn(heading: string): Record<string, unknown> {
  return Object.fromEntries(rowsUnder(text, heading).map(([name = '', , value = '']) => [name, valueOf(value)]));
}

function valueOf(cell: string): unknown {
  if (cell === 'true' || cell === 'false') return cell === 'true';
  return /^[\d ]+$/.test(cell) ? Number(cell.replaceAll(' ', '')) : cell;
}

function leaves(options: object, path = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([key, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(leaves(value, `${path}${key}.`))
        : [[`${path}${key}`, value]],
    ),
  );
}
