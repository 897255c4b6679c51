import type { AnyStateMachine } from 'xstate';
import { describeMachine } from './describe-machine.ts';
import { inertGroupMachine, inertManagerMachine, inertSessionMachine } from './inert-worlds.ts';
import { toMermaid } from './to-mermaid.ts';

interface MachinePage {
  /** Name of the file in `docs/machines`. */
  readonly file: string;
  readonly text: string;
}

interface Subject {
  readonly title: string;
  readonly source: string;
  readonly machine: AnyStateMachine;
  readonly purpose: string;
  /** What the reader of the diagram has to know. */
  readonly legend: string;
  readonly impliedGuards?: readonly string[] | undefined;
}

/** The pages of `docs/machines`, made from the machines themselves. */
export function machinePages(): readonly MachinePage[] {
  return [
    {
      file: 'session.md',
      text: page({
        title: 'The session machine',
        source: 'src/machines/session-machine.ts',
        machine: inertSessionMachine(),
        purpose: [
          'One server, held: this machine asks for a permit to connect, opens a link, proves it with a check, has the tools listed,',
          'checks the health of the connection for as long as it stands, lets the link go when it fails, and waits until it tries',
          'again. It is a child of [the manager machine](manager.md), with the id of its server as its own.',
          'What it does not decide by itself is in the policies beside it; the I/O is done by the actors that it invokes.',
        ].join('\n'),
        legend: [
          'Facts about a link carry the generation that they are about. A fact of another generation than the present one changes',
          'nothing and is counted. That guard, `is current`, is left out of the diagram, and so is what a state with children',
          'handles without leaving it; the tables have both.',
        ].join('\n'),
        impliedGuards: ['is current'],
      }),
    },
    {
      file: 'manager.md',
      text: page({
        title: 'The manager machine',
        source: 'src/machines/manager-machine.ts',
        machine: inertManagerMachine(),
        purpose: [
          'The supervisor of up to 32 sessions, and of the [groups](group.md) whose primaries are among them. It starts a [session](session.md) for each server, hands orders, call edges and ticks',
          'on to the session that they name, and cleans up after a session that ended or crashed: a crashed one has its link',
          'released and is started anew after a while. It tells groups what becomes of their members. It has a single state, since what it knows is which children it has.',
        ].join('\n'),
        legend: [
          'The state lists what each event makes it do. What is meant for a session that is no child at the moment is dropped, but for',
          '`SESSION.DRAIN`, which then closes that session.',
        ].join('\n'),
      }),
    },
    {
      file: 'group.md',
      text: page({
        title: 'The group machine',
        source: 'src/machines/group-machine.ts',
        machine: inertGroupMachine(),
        purpose: [
          'Servers that can stand in for each other. This machine knows which of them is active, moves on when that one fails, and',
          'returns to a more wanted one after it has been healthy for a while. It is a child of',
          '[the manager](manager.md) of its primary, and hears of its members from their managers. Which member is chosen is decided',
          'by the pure functions of `group-policy.ts`, which each call of a group asks, too.',
        ].join('\n'),
        legend: [
          '`deciding` is left at once, for the state that fits: the active member is left as soon as it has no connection, or when it',
          'takes no calls or has failed too often and the last switch was long enough ago (10 s). Each step is taken again on every',
          '`MEMBER.CHANGED`.',
        ].join('\n'),
      }),
    },
  ];
}

function page({ title, source, machine, purpose, legend, impliedGuards }: Subject): string {
  return [
    `# ${title}`,
    '',
    `<!-- Made from ${source} by \`npm run docs\`. -->`,
    '',
    purpose,
    '',
    '```mermaid',
    `${toMermaid(machine, { impliedGuards })}\`\`\``,
    '',
    legend,
    '',
    describeMachine(machine),
  ].join('\n');
}
