import { describe, expect, it } from 'vitest';
import { createActor, type Actor, type AnyActorRef } from 'xstate';
import { sessionLogic, sessionOf, managerLogic, type SessionInput } from '../../src/manager/embedding.ts';
import { embedded, type EmbeddedWorld } from './embedded-world.ts';
import type { ServerOptions, ServerTarget } from '../../src/index.ts';
import { failureOf, line, outcomeOf, simulated } from './support.ts';

type SessionActor = Actor<typeof sessionLogic>;

function start(
  w: EmbeddedWorld,
  input: Partial<SessionInput> = {},
): { readonly actor: SessionActor; readonly told: string[]; readonly errors: unknown[] } {
  const actor = createActor(sessionLogic, {
    clock: w.clock,
    input: { id: 'a', target: simulated, ports: w.ports, ...input },
  });
  const told: string[] = [];
  const errors: unknown[] = [];
  actor.on('*', (event) => {
    told.push(
      event.type === 'commandRefused'
        ? `${event.command.type} refused: ${event.error.code}`
        : line(event, w.clock.monotonic()),
    );
  });
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  return { actor, told, errors };
}

async function stop(w: EmbeddedWorld, actor: SessionActor): Promise<void> {
  actor.stop();
  await w.clock.settle();
  expect(w.sim.server('a').liveLinks).toBe(0);
  expect(w.clock.pendingTimers).toBe(0);
}

describe('an actor of sessionLogic', () => {
  it('holds its server from its start, shows its info, and emits what happens to it', async () => {
    const w = embedded();
    const { actor, told } = start(w);
    expect(actor.getSnapshot().context).toMatchObject({ id: 'a', state: 'connecting', generation: 1 });
    await w.clock.settle();
    expect(told).toEqual([
      '0 a 1 idle > connecting.opening',
      '0 a 1 connecting.opening > connecting.verifying',
      '0 a 1 check ok in 0',
      '0 a 1 connecting.verifying > connecting.hydrating',
      '0 a 1 tools +[echo] -[] ~[]',
      '0 a 1 connecting.hydrating > connected.healthy',
    ]);
    expect(actor.getSnapshot()).toMatchObject({ status: 'active', context: { state: 'healthy' } });
    expect(actor.getSnapshot().context).toBe(sessionOf(actor).info);
    expect(await sessionOf(actor).callTool('echo', { n: 1 })).toEqual({ content: [{ type: 'text', text: '{"n":1}' }] });
    await w.clock.advance(100);
    expect(actor.getSnapshot().context.successfulRequests).toBe(1);
    w.sim.server('a').exit();
    await w.clock.advance(1_000);
    expect(actor.getSnapshot().context).toMatchObject({ state: 'healthy', generation: 2 });
    await stop(w, actor);
  });

  it('keeps trying when its first attempt fails, unless it must be ready', async () => {
    const w = embedded();
    w.sim.server('a', { refuse: { kind: 'transport', code: 'ECONNREFUSED', message: 'nobody there' } });
    const patient = start(w);
    const strict = start(w, { options: { waitForReady: true } });
    const [inner] = Object.values(Reflect.get(strict.actor.getSnapshot(), 'children') as Record<string, AnyActorRef>);
    await w.clock.settle();
    expect(patient.actor.getSnapshot()).toMatchObject({ status: 'active', context: { state: 'disconnected' } });
    expect(strict.errors).toMatchObject([{ code: 'CONNECT', serverId: 'a' }]);
    expect(strict.actor.getSnapshot().status).toBe('error');
    expect(inner?.getSnapshot()).toMatchObject({ status: 'stopped' });
    await stop(w, patient.actor);
  });

  it('opens a lazy server when told to, and does not disturb one that is connected', async () => {
    const w = embedded();
    const { actor } = start(w, { options: { lazy: true } });
    await w.clock.advance(10_000);
    expect(w.sim.server('a').opens).toBe(0);
    actor.send({ type: 'OPEN' });
    await w.clock.settle();
    actor.send({ type: 'OPEN' });
    await w.clock.settle();
    expect(actor.getSnapshot().context).toMatchObject({ state: 'healthy', generation: 1 });
    await stop(w, actor);
  });

  it('connects anew when told to', async () => {
    const w = embedded();
    const { actor, told } = start(w);
    await w.clock.settle();
    actor.send({ type: 'RECONNECT', reason: 'a new token' });
    await w.clock.settle();
    expect(actor.getSnapshot().context).toMatchObject({ state: 'healthy', generation: 2 });
    expect(told).toContain('0 a 1 connected.healthy > releasing: a new token');
    actor.send({ type: 'CLOSE', drainMs: -1 });
    await w.clock.settle();
    expect(told.at(-1)).toBe('CLOSE refused: INVALID_OPTION');
    await stop(w, actor);
  });

  it('drains and is done when told to close', async () => {
    const w = embedded();
    const { actor, told } = start(w);
    await w.clock.settle();
    w.sim.server('a').answerMs = 500;
    const call = outcomeOf(sessionOf(actor).callTool('echo'), w.clock);
    actor.send({ type: 'CLOSE' });
    await w.clock.advance(1_000);
    expect(call).toMatchObject({ state: 'resolved', atMs: 500 });
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', context: { state: 'disconnected', phase: 'closed' } });
    expect(told.slice(-3)).toEqual([
      '500 a 1 draining > releasing: draining',
      '500 a 1 releasing > closed: draining',
      '500 a 1 serverRemoved',
    ]);
    expect(await failureOf(() => sessionOf(actor).callTool('echo'))).toMatchObject({ code: 'CLOSED' });
    expect(w.sim.server('a').closes).toEqual(['graceful']);
  });

  it('is done, too, when it is told to close before it was ever ready', async () => {
    const w = embedded();
    w.sim.server('a').answersInitialize = false;
    const { actor, errors } = start(w, { options: { waitForReady: true } });
    await w.clock.settle();
    actor.send({ type: 'CLOSE' });
    await w.clock.settle();
    expect(errors).toEqual([]);
    expect(actor.getSnapshot().status).toBe('done');
  });

  it.each([
    ['id', { id: '' }],
    ['target', { target: Object(7) as ServerTarget }],
    ['options', { options: Object([]) as ServerOptions }],
    ['healthCheck.intervalMs', { options: { healthCheck: { intervalMs: 0 } } }],
  ])('ends at once with an error when its %s makes no sense', (field, input) => {
    const w = embedded();
    const { actor, errors } = start(w, input);
    expect(errors).toMatchObject([{ code: 'INVALID_OPTION', field }]);
    expect(actor.getSnapshot().status).toBe('error');
  });

  it('has one session, always the same', () => {
    const w = embedded();
    const { actor } = start(w);
    expect(sessionOf(actor)).toBe(sessionOf(actor));
    const manager = createActor(managerLogic, { clock: w.clock, input: { ports: w.ports } });
    expect(() => Reflect.apply(sessionOf, undefined, [manager])).toThrow('ref must be an actor of sessionLogic.');
    actor.stop();
  });
});
