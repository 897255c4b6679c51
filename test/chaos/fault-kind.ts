import type { Session } from '../../src/index.ts';
import type { ChaosServer, HttpServer, StdioServer } from './chaos-servers.ts';
import type { Director, Order } from './director.ts';

/** What a fault happens to. */
export interface Subject<Server extends ChaosServer = ChaosServer> {
  readonly session: Session;
  readonly server: Server;
  readonly director: Director;
}

/**
 * - `must`: the session has to tell of it, whatever else is the case.
 * - `may`: it depends on what was under way, or is over before anything can be told.
 */
export type Notice = 'must' | 'may';

/** One way in which things go wrong, from `begin` until `end`, which comes `lastsMs` later. */
export interface FaultKind<Server extends ChaosServer = ChaosServer> {
  readonly name: string;
  readonly notice: Notice;
  readonly lastsMs: number;
  begin(subject: Subject<Server>): void | Promise<void>;
  end?(subject: Subject<Server>): void | Promise<void>;
}

export type StdioFault = FaultKind<StdioServer>;
export type HttpFault = FaultKind<HttpServer>;

/** Something that is over as soon as it has happened. */
export function stroke<Server extends ChaosServer>(
  name: string,
  notice: Notice,
  begin: (subject: Subject<Server>) => void | Promise<void>,
): FaultKind<Server> {
  return { name, notice, lastsMs: 0, begin };
}

/** Something that the server does at once when it is told to. */
export function act(name: string, notice: Notice, what: string): FaultKind {
  return stroke(name, notice, ({ director, session }) => director.order(session.id, { act: what }));
}

/** A temper that a server's process has for a while, or until it ends. */
export function temper(name: string, notice: Notice, lastsMs: number, order: Order): FaultKind {
  return {
    name,
    notice,
    lastsMs,
    begin: ({ director, session }) => director.order(session.id, order),
    end: ({ director, session }) =>
      director.order(session.id, { calls: 'answer', pings: 'answer', requests: 'answer' }),
  };
}

/** The process of a session, if it has one: what is to be signalled must not be 0, which would be ourselves. */
export function signalProcess({ session }: Subject, signal: NodeJS.Signals): void {
  const { pid } = session.info;
  if (pid === null) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in this very moment.
  }
}
