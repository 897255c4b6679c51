import { http, stdio, type Session } from '../../src/index.ts';
import { prometheusMetrics } from '../../src/telemetry/index.ts';
import { outcomeOf, world } from '../manager/support.ts';
import { telemetryOf, type Metric } from './telemetry-world.ts';

export interface Emitted {
  readonly metrics: readonly Metric[];
  /** The same, as Prometheus gets it. */
  readonly text: string;
}

let emitted: Promise<Emitted> | undefined;

/**
 * Everything that telemetry tells, of two servers and their group to which everything happens that is counted. Measured once: dials are
 * limited for the process as a whole, by real time.
 */
export function everyMetric(): Promise<Emitted> {
  emitted ??= measure();
  return emitted;
}

async function measure(): Promise<Emitted> {
  const w = world();
  const { clock, manager } = w;
  const telemetry = telemetryOf(manager);
  const prometheus = prometheusMetrics(manager);
  const add = async (adding: Promise<Session>): Promise<Session> => {
    const session = outcomeOf(adding);
    await clock.settle();
    return session.value();
  };
  const handlers = { roots: async () => [], elicit: () => Promise.reject(new Error('nobody is here')) };
  const [a, b] = [w.server('a'), w.server('b')];
  const local = await add(manager.addServer('a', stdio({ command: 'a' }), { handlers }));
  const remote = await add(
    manager.addServer('b', http({ url: 'https://example.com' }), { handlers, circuitBreaker: { failureThreshold: 1 } }),
  );
  const group = manager.addGroup('team', { primary: 'a', backups: ['b'] });

  await a.ask('roots/list');
  await b.ask('roots/list');
  await Promise.allSettled([a.ask('elicitation/create'), local.callTool('echo'), local.getPrompt('x'), remote.ping()]);
  await clock.advance(60_000);

  a.congest();
  const moved = outcomeOf(group.callTool('echo'));
  await clock.settle();
  a.kill();
  a.decongest();
  await clock.settle();
  moved.value();
  await clock.advance(300_000);

  a.fault({ kind: 'protocol', code: 'not-json', message: 'a line is no message' });
  Object.assign(a, { tools: [{ name: 'echo', description: 'another one', inputSchema: {} }], neverCloses: true });
  a.notify('notifications/tools/list_changed');
  await clock.advance(1_000);
  local.reconnect();
  await clock.advance(60_000);
  a.neverCloses = false;
  a.loseSession();
  await clock.advance(60_000);
  w.random = () => {
    w.random = () => 0.5;
    throw new Error('no chance');
  };
  a.exit();
  await clock.advance(60_000);
  a.refuse = { kind: 'auth', code: 'http:401', message: 'it wants other credentials' };
  a.exit();

  b.losesReplies = { kind: 'transport', code: 'ECONNRESET', message: 'lost' };
  await Promise.allSettled([remote.callTool('echo')]);
  await clock.advance(1_000);
  const told = { metrics: await telemetry.metrics(), text: await prometheus.text() };
  await prometheus.close();
  return told;
}
