import { act, stroke, temper, type FaultKind, type HttpFault, type StdioFault, signalProcess } from './fault-kind.ts';

const briefMs = 300;
/** Longer than three checks that fail, since one that falls into a stall of ours says nothing. */
const longMs = 6_000;

/** What can become of any server. */
export const serverFaults: readonly FaultKind[] = [
  temper('calls hang, pings are answered', 'may', longMs, { calls: 'hang' }),
  temper('pings hang, calls are answered', 'may', longMs, { pings: 'hang' }),
  temper('answers nothing', 'must', longMs, { calls: 'hang', pings: 'hang' }),
  temper('replies come after the deadline', 'may', longMs, { calls: 'late', lateMs: 2_500 }),
  temper('executed, then an error for a reply', 'may', longMs, { calls: 'error' }),
  temper('executed, then a reply that is none', 'may', longMs, { calls: 'malformed' }),
  act('tools changed', 'may', 'tools-changed'),
  act('a flood of notifications', 'may', 'notice-flood'),
  stroke('reconnected by hand', 'must', ({ session }) => session.reconnect('chaos')),
];

/** What can become of a server over stdio. */
export const stdioFaults: readonly StdioFault[] = [
  stroke('SIGKILL', 'must', (subject) => signalProcess(subject, 'SIGKILL')),
  stroke('SIGTERM', 'must', (subject) => signalProcess(subject, 'SIGTERM')),
  stroke('SIGSEGV', 'must', (subject) => signalProcess(subject, 'SIGSEGV')),
  stroke('SIGSTOP, for good', 'must', (subject) => signalProcess(subject, 'SIGSTOP')),
  {
    name: 'SIGSTOP, then SIGCONT',
    notice: 'may',
    lastsMs: briefMs,
    begin: (subject) => signalProcess(subject, 'SIGSTOP'),
    end: (subject) => signalProcess(subject, 'SIGCONT'),
  },
  act('exits with 0', 'must', 'exit-0'),
  act('exits with 7', 'must', 'exit-7'),
  act('dies of an exception', 'must', 'throw'),
  act('exits, a grandchild keeps the pipe', 'must', 'exit-leaving-child'),
  act('closes its stdout', 'must', 'close-stdout'),
  act('reads its stdin no more', 'may', 'deafen'),
  act('garbage on stdout', 'must', 'garbage'),
  act('half a line, the rest later', 'may', 'half-line'),
  act('a flood on stderr', 'may', 'stderr-flood'),
  stroke('killed, and slow to start', 'must', (subject) => {
    subject.director.begin(subject.session.id, { delayMs: 1_500, times: 1 });
    signalProcess(subject, 'SIGKILL');
  }),
  stroke('killed, and exits at its next four starts', 'must', (subject) => {
    subject.director.begin(subject.session.id, { exit: 1, times: 4 });
    signalProcess(subject, 'SIGKILL');
  }),
  temper('executed, exits instead of a reply', 'may', longMs, { calls: 'exit-instead' }),
  temper('executed, exits within the reply', 'may', longMs, { calls: 'half-then-exit' }),
  temper('replies twice', 'may', longMs, { calls: 'twice' }),
];

/** What can become of a server over HTTP. */
export const httpFaults: readonly HttpFault[] = [
  {
    name: 'killed, back after a second',
    notice: 'may',
    lastsMs: 1_000,
    begin: ({ server }) => server.kill(),
    end: ({ server }) => server.start(),
  },
  stroke('restarted at once, sessions gone', 'may', ({ server }) => server.restart()),
  {
    name: 'process stopped, then continued',
    notice: 'must',
    lastsMs: longMs,
    begin: ({ server }) => server.signal('SIGSTOP'),
    end: ({ server }) => server.signal('SIGCONT'),
  },
  act('session forgotten, 404', 'may', 'forget-404'),
  act('session forgotten, 400', 'may', 'forget-400'),
  act('standing streams end', 'may', 'end-streams'),
  temper('429, Retry-After 1', 'may', 1_000, { requests: 'too-many' }),
  temper('503', 'may', longMs, { requests: 'unavailable' }),
  temper('an HTML page for every answer', 'may', longMs, { requests: 'page' }),
  {
    ...temper('executed, exits instead of a reply', 'may', longMs, { calls: 'exit-instead' }),
    end: ({ server }) => server.restart(),
  },
  temper('executed, cut off instead of a reply', 'may', longMs, { calls: 'cut-instead' }),
  temper('executed, cut off within the reply', 'may', longMs, { calls: 'half-then-cut' }),
  temper('executed, an empty reply', 'may', longMs, { calls: 'empty' }),
];

/** What can become of the network to a server over HTTP. */
export const networkFaults: readonly HttpFault[] = [
  stroke('connections reset', 'may', ({ server }) => server.proxy.break('rst')),
  stroke('connections ended', 'may', ({ server }) => server.proxy.break('fin')),
  stroke('connections half-open', 'may', ({ server }) => server.proxy.halfOpen()),
  stroke('next reply cut after 40 bytes', 'may', ({ server }) => server.proxy.cutAfter(40, 'rst')),
  passing('nothing passes', 'neither'),
  passing('nothing passes to the client', 'to-server'),
  passing('nothing passes to the server', 'to-client'),
  {
    name: 'connections reset, new ones refused',
    notice: 'may',
    lastsMs: 1_000,
    begin: ({ server }) => {
      server.proxy.refuse();
      server.proxy.break('rst');
    },
    end: ({ server }) => server.proxy.accept(),
  },
  {
    name: 'every piece delayed by 300 ms',
    notice: 'may',
    lastsMs: longMs,
    begin: ({ server }) => {
      server.proxy.delayMs = 300;
    },
    end: ({ server }) => {
      server.proxy.delayMs = 0;
    },
  },
];

function passing(name: string, passage: 'neither' | 'to-server' | 'to-client'): HttpFault {
  return {
    name,
    notice: 'must',
    lastsMs: longMs,
    begin: ({ server }) => server.proxy.pass(passage),
    end: ({ server }) => server.proxy.pass('both'),
  };
}
