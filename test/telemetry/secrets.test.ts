import { expect, it } from 'vitest';
import { http, SecretRegistry, stdio, type Session } from '../../src/index.ts';
import { prometheusMetrics } from '../../src/telemetry/index.ts';
import { outcomeOf, world, type World } from '../manager/support.ts';
import { telemetryOf } from './telemetry-world.ts';

const planted = (where: string) => `hunter2-${where}`;

async function added(w: World, adding: Promise<Session>): Promise<Session> {
  const session = outcomeOf(adding);
  await w.clock.settle();
  return session.value();
}

/** What both keep, as text: spans hold references to their tracer, of which nothing is exported. */
async function everythingToldOf(w: World, run: () => Promise<void>): Promise<string> {
  const telemetry = telemetryOf(w.manager);
  const metrics = prometheusMetrics(w.manager);
  await run();
  const spans = telemetry.spans().map(({ name, attributes, status, events, links, resource }) => ({
    name,
    attributes,
    status,
    events,
    links,
    resource: resource.attributes,
  }));
  const told = [await telemetry.metrics(), spans, await metrics.text()];
  await metrics.close();
  return JSON.stringify(told);
}

it('no secret of a target, an argument, an address or an error is in any metric, span or label', async () => {
  // Nobody knows that they are secrets: what keeps them out is that nothing of their kind is told.
  const w = world({ ports: { secrets: new SecretRegistry() } });
  const local = await added(
    w,
    w.manager.addServer(
      'local',
      stdio({ command: planted('command'), args: [planted('argument')], env: { KEY: planted('env') } }),
    ),
  );
  const remote = await added(
    w,
    w.manager.addServer(
      'remote',
      http({
        url: `https://example.com/${planted('url')}?key=${planted('query')}`,
        headers: { authorization: planted('header') },
      }),
    ),
  );
  const told = await everythingToldOf(w, async () => {
    const error = () => {
      throw Object.assign(new Error(planted('error')), { code: -32_000, data: planted('data') });
    };
    await local.callTool('echo', { password: planted('call') });
    w.server('local', { onCall: error, onRequest: error });
    await Promise.allSettled([
      local.callTool('echo'),
      local.readResource(`file:///${planted('resource')}`),
      local.getPrompt('greeting', { name: planted('prompt') }),
    ]);
    w.server('remote', {
      refuse: { kind: 'auth', code: planted('code'), message: planted('refusal'), authorizationUrl: planted('where') },
    });
    w.server('remote').fault({ kind: 'protocol', code: planted('fault'), message: planted('fault') });
    w.server('remote').exit();
    await w.clock.advance(5_000);
    await Promise.allSettled([remote.callTool('echo')]);
  });
  expect(told).toContain('tools/call');
  expect(told).toContain('AUTH_REQUIRED');
  expect(told).not.toContain('hunter2');
});
