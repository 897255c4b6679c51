/**
 * An application's own state machine that has its MCP servers held by an actor among its children: it adds two servers and a
 * group by commands, calls a tool, takes note when the backup takes over, and is done when everything is released.
 * In a project of your own, import from 'holdfast' and 'holdfast/actors'.
 *
 * Run it from the root of this repository with a Node that reads TypeScript (22.18 or newer): `node examples/embedded-machine.ts`.
 */
import { assign, createActor, sendTo, setup, toPromise, waitFor, type ActorRefFrom, type DoneActorEvent } from 'xstate';
import { stdio } from '../src/index.ts';
import { managerLogic, managerOf } from '../src/manager/embedding.ts';

interface Context {
  readonly servers: ActorRefFrom<typeof managerLogic>;
  readonly active: string;
}

type Event =
  | { readonly type: 'FAILED.OVER'; readonly to: string }
  | { readonly type: 'STOP' }
  | DoneActorEvent<unknown, 'servers'>;

const program = 'node_modules/@modelcontextprotocol/server-everything/dist/index.js';
const target = stdio({ command: 'node', args: [program] });

const machine = setup({
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is how XState is told types
  types: { context: {} as Context, events: {} as Event },
  actors: { holdfast: managerLogic },
  actions: {
    'add the primary': sendTo(({ context }) => context.servers, { type: 'SERVER.ADD', id: 'primary', target }),
    'add the backup': sendTo(({ context }) => context.servers, { type: 'SERVER.ADD', id: 'backup', target }),
    'let the backup stand in': sendTo(({ context }) => context.servers, {
      type: 'GROUP.ADD',
      id: 'everything',
      group: { primary: 'primary', backups: ['backup'] },
    }),
    'note who is active': assign(({ event }) => (event.type === 'FAILED.OVER' ? { active: event.to } : {})),
    'close the servers': sendTo(({ context }) => context.servers, { type: 'CLOSE' }),
  },
}).createMachine({
  id: 'app',
  context: ({ spawn, self }) => {
    const servers = spawn('holdfast', { id: 'servers' });
    servers.on('failedOver', ({ to }) => {
      self.send({ type: 'FAILED.OVER', to });
    });
    servers.on('commandRefused', ({ command, error }) => {
      console.log(`${command.type} was refused: ${error.message}`);
    });
    return { servers, active: 'primary' };
  },
  initial: 'running',
  states: {
    running: {
      entry: ['add the primary', 'add the backup', 'let the backup stand in'],
      on: {
        'FAILED.OVER': { actions: 'note who is active' },
        STOP: { target: 'stopping' },
      },
    },
    stopping: {
      entry: 'close the servers',
      on: { 'xstate.done.actor.servers': { target: 'stopped' } },
    },
    stopped: { type: 'final' },
  },
});

const app = createActor(machine);
app.subscribe({
  error: (error) => {
    console.log(error);
  },
});
app.start();

const manager = managerOf(app.getSnapshot().context.servers);
for (const { id } of manager.listSessions()) await manager.session(id).ready();
const group = manager.group('everything');

const onServed = ({ serverId }: { readonly serverId: string }): void => {
  console.log(`served by ${serverId}`);
};
const first = await group.callTool('echo', { message: 'hello' }, { onServed });
console.log(first.content);

const { pid } = manager.session('primary').info;
if (pid !== null) process.kill(pid, 'SIGKILL');
await waitFor(app, ({ context }) => context.active === 'backup');
const second = await group.callTool('echo', { message: 'hello again' }, { onServed });
console.log(second.content);

app.send({ type: 'STOP' });
await toPromise(app);
console.log(`${manager.sessionCount} servers are left`);
