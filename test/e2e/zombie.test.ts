import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { RemoteStage } from './remote-stage.ts';
import { secondConnection, Stage, unhurried, untiring } from './stage.ts';

const patience = { timeoutMs: 60_000 };
/** A circuit that is quick about it, and checks that follow each other as quickly. */
const quick = {
  ...untiring,
  healthCheck: { intervalMs: 100 },
  circuitBreaker: { failureThreshold: 3, successThreshold: 2, openMs: 300 },
} as const;

const withoutChecks = (story: readonly string[]): string[] => story.filter((line) => !line.endsWith('check ok'));
const probed = (generation: number): string[] => withoutChecks(secondConnection(generation));

describe('a process that answers checks and hangs calls', unhurried, () => {
  test('gets none for a while and a new life once, its backup serves, and checks and three answers let it in again', async () => {
    const stage = new Stage();
    const zombie = await stage.add('zombie', stage.server('zombie'), quick);
    await stage.add('backup', stage.server('backup'), untiring);
    const group = stage.manager.addGroup('team', { primary: 'zombie', backups: ['backup'], failback: 'manual' });
    const from = stage.now;
    const firstPid = zombie.info.pid;
    for (let n = 0; n < 3; n += 1) {
      await expect(group.callTool('sleep', { ms: 600_000 }, { timeoutMs: 300 })).rejects.toMatchObject({
        code: 'CALL_TIMEOUT',
        outcome: 'unknown',
        serverId: 'zombie',
      });
    }
    expect([zombie.info.circuit, group.active]).toEqual(['open', 'backup']);
    expect(await group.callTool('echo', { text: 'served' })).toMatchObject({ content: [{ text: 'served' }] });
    await stage.until(
      'the end of the open time',
      (event): event is typeof event => event.type === 'circuitChanged' && event.to === 'closed',
    );
    await eventually(() => zombie.state === 'healthy', patience);
    expect(zombie.info.pid).not.toBe(firstPid);
    for (let n = 0; n < 2; n += 1) await zombie.callTool('echo', { text: 'well again' });
    expect(withoutChecks(stage.story('zombie', from))).toEqual([
      '1 connected.degraded',
      '1 circuit open',
      '1 releasing',
      '1 connecting.waiting',
      ...probed(2),
      '2 circuit halfOpen',
      '2 circuit closed',
      // Closed on probation; then for good.
      '2 connected.healthy',
      '2 circuit closed',
    ]);
    expect(stage.log('zombie').filter((line) => line.startsWith('start'))).toHaveLength(2);
    expect(stage.log('zombie').filter((line) => line.startsWith('call sleep'))).toHaveLength(3);
    await stage.close();
  });
});

describe('a remote server that answers checks and hangs calls', unhurried, () => {
  test('is opened again, and for longer, by the first call that hangs on probation', async () => {
    const stage = new RemoteStage();
    const server = await stage.fixture({ faults: [{ on: 'tools/call', do: 'hang' }] });
    const session = await stage.hold('zombie', server, quick);
    const from = stage.now;
    const hang = async (): Promise<void> => {
      await expect(session.callTool('echo', { text: 'x' }, { timeoutMs: 200 })).rejects.toMatchObject({
        code: 'CALL_TIMEOUT',
      });
    };
    for (let n = 0; n < 3; n += 1) await hang();
    await eventually(() => session.info.circuit === 'closed' && session.state === 'healthy', patience);
    await hang();
    expect(session.info.circuit).toBe('open');
    await server.set({ faults: [] });
    // Degraded, since the last call was not answered.
    await eventually(() => session.info.circuit === 'closed', patience);
    for (let n = 0; n < 2; n += 1) await session.callTool('echo', { text: 'x' });
    const circuit = stage.events.flatMap((event) =>
      event.type === 'circuitChanged' ? [`${event.generation} ${event.to} ${event.openMs}`] : [],
    );
    expect(circuit).toEqual([
      '1 open 300',
      '2 halfOpen null',
      '2 closed null',
      '2 open 600',
      '2 halfOpen null',
      '2 closed null',
      '2 closed null',
    ]);
    // Its connection was given up once, and not again.
    expect(stage.story('zombie', from).filter((line) => line.endsWith('releasing'))).toEqual(['1 releasing']);
    expect(server.executions()).toHaveLength(2);
    await stage.close();
  });
});
