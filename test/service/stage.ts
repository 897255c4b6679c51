import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { hostClock } from '../../src/host/clock.ts';
import { custom, SessionManager } from '../../src/index.ts';
import { startService } from '../../src/service/index.ts';
import type { Service, ServiceOptions } from '../../src/service/index.ts';
import { createSimulatedServers } from '../../src/testing/index.ts';
import type { SimulatedServers } from '../../src/testing/index.ts';
import { exchange } from '../support/raw-http.ts';
import type { Exchange, RawRequest } from '../support/raw-http.ts';

export const simulated = custom(() => {
  throw new Error('there is no transport in a simulation');
});

export interface Stage {
  readonly manager: SessionManager;
  readonly servers: SimulatedServers;
  readonly service: Service;
  /** The address without its last slash. */
  readonly base: string;
  readonly bearer: { readonly authorization: string };
  ask(path: string, request?: RawRequest): Promise<Exchange>;
}

/** A service over real sockets in front of simulated servers `a` and `b`, which stand in for each other in the group `pair`. */
export async function startStage(options: ServiceOptions = {}): Promise<Stage> {
  const servers = createSimulatedServers(hostClock);
  const manager = new SessionManager({}, { links: servers.links });
  await manager.addServer('a', simulated);
  await manager.addServer('b', simulated);
  manager.addGroup('pair', { primary: 'a', backups: ['b'] });
  const service = await startService(manager, { port: 0, title: 'test', version: '1.2.3', ...options });
  onTestFinished(async () => {
    await service.close();
    await manager.close({ drainMs: 0 });
  });
  const base = (service.url ?? '').replace(/\/$/u, '');
  const bearer = { authorization: `Bearer ${service.token}` };
  return {
    manager,
    servers,
    service,
    base,
    bearer,
    ask: (path, { headers, ...request } = {}) =>
      exchange(`${base}${path}`, { method: 'GET', headers: { ...bearer, ...headers }, ...request }),
  };
}

/** A connection that has asked for the events, and of which nothing is read unless somebody does. */
export async function eventSocket({ base, service }: Stage): Promise<Socket> {
  const { port, host } = new URL(base);
  const socket = connect(Number(port), '127.0.0.1');
  socket.pause();
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(
    `GET /api/events HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${service.token}\r\nAccept: text/event-stream\r\n\r\n`,
  );
  return socket;
}

/** The messages of an event stream, each with its data read. */
export function messagesOf(
  body: string,
): readonly { readonly event: string; readonly data: Record<string, unknown> }[] {
  return body.split('\n\n').flatMap((block) => {
    const event = /^event: (.+)$/mu.exec(block)?.[1];
    const data = /^data: (.+)$/mu.exec(block)?.[1];
    return event === undefined || data === undefined ? [] : [{ event, data: JSON.parse(data) }];
  });
}
