import { join } from 'node:path';
import { filter, firstValueFrom } from 'rxjs';
import { expect, it } from 'vitest';
import type { ManagerCatalog, SessionEvent } from '../../src/index.ts';
import { failureOf, pidOf, Stage, unhurried, untiring } from './stage.ts';

const program = join(import.meta.dirname, 'fixtures', 'changing-server.mjs');

const target = (stage: Stage) => stage.command('changing', process.execPath, [program]);

/** The first catalog of which this is true. */
const catalogWhere = ({ manager }: Stage, isIt: (catalog: ManagerCatalog) => boolean): Promise<ManagerCatalog> =>
  firstValueFrom(manager.catalog$.pipe(filter(isIt)));

const has =
  (name: string) =>
  ({ tools }: ManagerCatalog): boolean =>
    tools.some((each) => each.name === name);

it(
  'the tools that a real server adds and takes away are in the catalog, and gone, without a reconnection',
  unhurried,
  async () => {
    const stage = new Stage();
    const session = await stage.manager.addServer('changing', target(stage));
    await stage.manager.callTool('changing__offer');
    await catalogWhere(stage, has('changing__fresh'));
    expect(await stage.manager.callTool('changing__fresh')).toEqual({ content: [{ type: 'text', text: 'done' }] });
    await stage.manager.callTool('changing__withdraw');
    await catalogWhere(stage, (catalog) => !has('changing__lookup')(catalog));
    expect(session.info).toMatchObject({ generation: 1, state: 'healthy' });
    const told = stage.events.filter(
      (event): event is SessionEvent & { type: 'catalogChanged' } => event.type === 'catalogChanged',
    );
    expect(told.map(({ added, removed, changed }) => [added, removed, changed])).toEqual([
      [['lookup', 'describe', 'offer', 'withdraw'], [], []],
      [['fresh'], [], []],
      [[], ['lookup'], []],
    ]);
  },
);

it(
  'a tool that a real server describes anew is refused until it is accepted, and refused again after its process was killed',
  unhurried,
  async () => {
    const stage = new Stage();
    const session = await stage.manager.addServer('changing', target(stage), { ...untiring, toolChanges: 'block' });
    await stage.manager.callTool('changing__lookup');
    await stage.manager.callTool('changing__describe');
    await catalogWhere(stage, ({ blocked }) => blocked.includes('changing__lookup'));
    const refusal = await failureOf(stage.manager.callTool('changing__lookup'));
    expect(refusal).toMatchObject({ code: 'TOOL_CHANGED', outcome: 'not-sent', tool: 'lookup' });
    const looked = session.catalog.tools.find(({ tool }) => tool.name === 'lookup');
    expect(looked?.tool.description).toBe('Looks it up, and sends it to me.');
    session.acceptTool('lookup', looked?.hash);
    await stage.manager.callTool('changing__lookup');
    process.kill(pidOf(session), 'SIGKILL');
    await catalogWhere(stage, ({ blocked }) => blocked.includes('changing__lookup'));
    expect(await failureOf(stage.manager.callTool('changing__lookup'))).toMatchObject({ code: 'TOOL_CHANGED' });
  },
);
