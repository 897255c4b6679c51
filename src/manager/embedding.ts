/**
 * `holdfast/actors`: holdfast as actors of an application's own XState v5 system. They are visible in its inspector, run on its
 * clock, and end with it.
 */
import { merge } from './rx.ts';
import type { ActorRefFrom, AnyActorRef } from 'xstate';
import { ClosedError, InvalidOptionError } from '../errors/usage-errors.ts';
import type { ConnectionInfo, ManagerSnapshot } from './connection-info.ts';
import { embeddedLogic, type EmbeddedLogic, type EmbeddedSnapshot } from './embedded-actor.ts';
import {
  commandOptions,
  obeyAsManager,
  obeyAsSession,
  refusalOf,
  targetOf,
  type ManagerCommand,
  type SessionCommand,
  type TargetSource,
} from './embedded-commands.ts';
import type { ManagerConfig } from './manager-config.ts';
import type { ManagerEvent, SessionEvent } from './manager-events.ts';
import { objectValue } from './option-rules.ts';
import type { ManagerPorts } from './ports.ts';
import { resolveServerOptions, type Optional, type ServerOptions } from './server-options.ts';
import { checkId } from './server-registry.ts';
import { SessionManager } from './session-manager.ts';
import type { Session } from './session.ts';
import { checkTarget } from './targets.ts';

export type { CommandRefused, ManagerCommand, SessionCommand, TargetSource } from './embedded-commands.ts';

/** Beyond this, what XState does with every timer of a system whenever one of its actors stops would be felt. */
const mostSessions = 64;

/** What an actor of `managerLogic` is started with; it may be left out. */
export interface ManagerInput {
  /** As for `SessionManager`, but `maxConnections` is 64 unless set, and at most 64. */
  readonly config?: Optional<ManagerConfig> | undefined;
  /** As for `SessionManager`. Timeouts of calls and checks run on `ports.clock`, all other delays on the clock of the actor system. */
  readonly ports?: Optional<ManagerPorts> | undefined;
}

/** What an actor of `sessionLogic` is started with. */
export interface SessionInput {
  /** The server's id. */
  readonly id: string;
  readonly target: TargetSource;
  /** As for `addServer`, except that the server is kept when its first attempt fails, unless `waitForReady` is true. */
  readonly options?: ServerOptions | undefined;
  readonly ports?: Optional<ManagerPorts> | undefined;
}

/** All servers and groups at one moment are its `context`. `status` is `done` after `CLOSE`, when everything is released. */
export type ManagerActorSnapshot = EmbeddedSnapshot<ManagerSnapshot>;

/** The server's connection at one moment is its `context`. `status` is `done` after `CLOSE`, when everything is released. */
export type SessionActorSnapshot = EmbeddedSnapshot<ConnectionInfo>;

const managers = new WeakMap<AnyActorRef, SessionManager>();
const sessions = new WeakMap<AnyActorRef, Session>();

/**
 * A manager of up to 64 servers and their groups, as an actor. Any number may run at a time; each has servers of its own.
 *
 * It takes `ManagerCommand`s, emits every `ManagerEvent`, and `commandRefused` for a command that is not carried out. When the
 * machine that started it stops or crashes, every link is killed at once; `managerOf(ref).closed` resolves when all is released.
 * An input that makes no sense ends the actor with an `InvalidOptionError`.
 */
export const managerLogic: EmbeddedLogic<ManagerSnapshot, ManagerCommand, ManagerInput | undefined, ManagerEvent> =
  embeddedLogic((input, self, within) => {
    const manager = new SessionManager(limited(input?.config), within(input?.ports));
    managers.set(self, manager);
    return {
      manager,
      read: () => manager.snapshot(),
      events$: manager.events$,
      changes$: merge(manager.sessions$, manager.groups$),
      obey: (command) => obeyAsManager(manager, command),
      refusal: refusalOf,
    };
  });

/**
 * One server, held by an actor. It takes `SessionCommand`s, emits every `SessionEvent` of the server from its first move on, and
 * `commandRefused`.
 *
 * It ends as `managerLogic` does. An input that makes no sense ends it with an `InvalidOptionError`, and with
 * `options.waitForReady: true` a first attempt that fails ends it with a `ConnectError`.
 */
export const sessionLogic: EmbeddedLogic<ConnectionInfo, SessionCommand, SessionInput, SessionEvent> = embeddedLogic(
  (input, self, within, fail) => {
    objectValue(input, 'input', undefined);
    const { id, target: source, options, ports } = input;
    checkId(id);
    const manager = new SessionManager({ maxConnections: 1 }, within(ports));
    const target = targetOf(source);
    const given = commandOptions(options, manager, id);
    // What `addServer` would refuse is refused before the actor is there.
    checkTarget(target, id);
    resolveServerOptions(given, {}, id);
    manager.addServer(id, target, given).catch((error: unknown) => {
      if (!(error instanceof ClosedError)) fail(error);
    });
    const session = manager.session(id);
    sessions.set(self, session);
    return {
      manager,
      read: () => session.info,
      events$: session.events$,
      changes$: session.info$,
      obey: (command) => obeyAsSession(manager, session, command),
      refusal: refusalOf,
    };
  },
);

/**
 * The manager behind an actor of `managerLogic`, always the same for the same actor: calls, groups and observables included.
 * What is asked of it before the actor has started is done when it starts. Throws `InvalidOptionError` for any other actor.
 */
export function managerOf(ref: ActorRefFrom<typeof managerLogic>): SessionManager {
  const manager = managers.get(ref);
  if (manager === undefined) throw new InvalidOptionError('ref', ref, 'an actor of managerLogic', undefined, true);
  return manager;
}

/** The session behind an actor of `sessionLogic`, always the same for the same actor. Throws `InvalidOptionError` for any other actor. */
export function sessionOf(ref: ActorRefFrom<typeof sessionLogic>): Session {
  const session = sessions.get(ref);
  if (session === undefined) throw new InvalidOptionError('ref', ref, 'an actor of sessionLogic', undefined, true);
  return session;
}

function limited(config: Optional<ManagerConfig> = {}): Optional<ManagerConfig> {
  const { maxConnections = mostSessions } = config;
  if (maxConnections > mostSessions)
    throw new InvalidOptionError(
      'maxConnections',
      maxConnections,
      `at most ${mostSessions} in an actor system that is not its own`,
    );
  return { ...config, maxConnections };
}
