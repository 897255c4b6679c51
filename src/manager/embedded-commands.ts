import { UnknownGroupError } from '../errors/group-errors.ts';
import { HoldfastError } from '../errors/holdfast-error.ts';
import { InvalidOptionError, UnknownServerError } from '../errors/usage-errors.ts';
import { objectValue } from './option-rules.ts';
import { defined, type ServerOptions } from './server-options.ts';
import type { ServerGroup, ServerGroupConfig } from './server-group.ts';
import type { SessionManager } from './session-manager.ts';
import type { Session } from './session.ts';
import type { ServerTarget } from './targets.ts';

/**
 * A target, or a function that gives it. A command is an event, and inputs and events are what inspectors show: of a function
 * they show nothing, so that what is secret in a target stays so.
 */
export type TargetSource = ServerTarget | (() => ServerTarget);

/** What an actor of `managerLogic` may be told. */
export type ManagerCommand =
  /** As `addServer`, except that the server is kept when its first attempt fails, unless `waitForReady` is true. */
  | {
      readonly type: 'SERVER.ADD';
      readonly id: string;
      readonly target: TargetSource;
      readonly options?: ServerOptions | undefined;
    }
  /** As `removeServer`. */
  | { readonly type: 'SERVER.REMOVE'; readonly id: string; readonly drainMs?: number | undefined }
  /** As `session(id).reconnect(reason)`. */
  | { readonly type: 'SERVER.RECONNECT'; readonly id: string; readonly reason?: string | undefined }
  /** As `addGroup`. */
  | { readonly type: 'GROUP.ADD'; readonly id: string; readonly group: ServerGroup | ServerGroupConfig }
  /** As `removeGroup`. */
  | { readonly type: 'GROUP.REMOVE'; readonly id: string }
  /** As `group(id).failOver(reason)`. */
  | { readonly type: 'GROUP.FAILOVER'; readonly id: string; readonly reason?: string | undefined }
  /** As `group(id).failBack()`. */
  | { readonly type: 'GROUP.FAILBACK'; readonly id: string }
  | { readonly type: 'MONITORING.START' }
  | { readonly type: 'MONITORING.STOP' }
  /** As `close`; the actor is done when everything is released. Repeated with `drainMs: 0`, it forces. */
  | { readonly type: 'CLOSE'; readonly drainMs?: number | undefined };

/** What an actor of `sessionLogic` may be told. */
export type SessionCommand =
  /** Connects a server that is not connected, and does not wait for its next attempt; nothing happens to one that is. */
  | { readonly type: 'OPEN' }
  /** As `reconnect(reason)`. */
  | { readonly type: 'RECONNECT'; readonly reason?: string | undefined }
  /** Closes the session; the actor is done when everything is released. Repeated with `drainMs: 0`, it forces. */
  | { readonly type: 'CLOSE'; readonly drainMs?: number | undefined };

/** Emitted in place of an exception: the command was not, or not fully, carried out. */
export interface CommandRefused {
  readonly type: 'commandRefused';
  /** Which command it was, without its target and options. `id` is null where it had none. */
  readonly command: { readonly type: string; readonly id: string | null };
  readonly error: HoldfastError;
}

export function targetOf(source: TargetSource): ServerTarget {
  if (typeof source !== 'function') return source;
  try {
    return source();
  } catch {
    // What it threw may tell of the secret that it was to give.
    throw new InvalidOptionError('target', source, 'a function that gives a target, but it threw', undefined, true);
  }
}

/** The options that a command gives, with the one default that is another than that of `addServer`. */
export function commandOptions(
  options: ServerOptions | undefined,
  manager: SessionManager,
  serverId: string,
): ServerOptions {
  if (options !== undefined) objectValue(options, 'options', serverId);
  const { waitForReady = false } = manager.config.defaults;
  return { waitForReady, ...defined(options) };
}

/** Rejects with whatever the command is refused with. What is no command is without effect, as in any machine. */
export async function obeyAsManager(manager: SessionManager, command: ManagerCommand): Promise<void> {
  switch (command.type) {
    case 'SERVER.ADD':
      await manager.addServer(
        command.id,
        targetOf(command.target),
        commandOptions(command.options, manager, command.id),
      );
      break;
    case 'SERVER.REMOVE': {
      const known = manager.listSessions().map(({ id }) => id);
      const { drainMs } = command;
      if (!(await manager.removeServer(command.id, { drainMs }))) throw new UnknownServerError(command.id, known);
      break;
    }
    case 'SERVER.RECONNECT':
      manager.session(command.id).reconnect(command.reason);
      break;
    case 'GROUP.ADD':
      manager.addGroup(command.id, command.group);
      break;
    case 'GROUP.REMOVE': {
      const known = manager.listGroups().map(({ id }) => id);
      if (!manager.removeGroup(command.id)) throw new UnknownGroupError(command.id, known);
      break;
    }
    case 'GROUP.FAILOVER':
      manager.group(command.id).failOver(command.reason);
      break;
    case 'GROUP.FAILBACK':
      manager.group(command.id).failBack();
      break;
    case 'MONITORING.START':
      manager.startHealthMonitoring();
      break;
    case 'MONITORING.STOP':
      manager.stopHealthMonitoring();
      break;
    case 'CLOSE':
      await manager.close({ drainMs: command.drainMs });
      break;
  }
}

/** As `obeyAsManager`, for the one session of a manager. */
export async function obeyAsSession(manager: SessionManager, session: Session, command: SessionCommand): Promise<void> {
  switch (command.type) {
    case 'OPEN':
      if (session.state === 'disconnected') session.reconnect('asked to open');
      break;
    case 'RECONNECT':
      session.reconnect(command.reason);
      break;
    case 'CLOSE':
      await manager.close({ drainMs: command.drainMs });
      break;
  }
}

export function refusalOf(command: ManagerCommand | SessionCommand, error: unknown): CommandRefused {
  const id = 'id' in command && typeof command.id === 'string' ? command.id : null;
  return {
    type: 'commandRefused',
    command: { type: command.type, id },
    error: error instanceof HoldfastError ? error : malformed(command.type, error),
  };
}

/** Only an argument that throws when it is looked at gets this far. */
function malformed(type: string, error: unknown): HoldfastError {
  const why = error instanceof Error ? error.name : typeof error;
  return new InvalidOptionError(
    'command',
    undefined,
    `a ${type} that can be read, but reading it threw ${why}`,
    undefined,
    true,
  );
}
