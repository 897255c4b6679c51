import { withExpanded } from '../config/expanded-values.ts';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import { hiddenObject } from './option-rules.ts';
import type { CustomTarget, LinkTarget, OnceTarget, StdioTarget, Transport } from '../link/target.ts';
import { httpTarget, webSocketTarget } from './remote-targets.ts';

/** Where a server is and how it is reached; made by `stdio`, `http`, `webSocket`, `custom` and `once`. */
export type ServerTarget = LinkTarget;

export interface StdioOptions {
  /** The program; never run through a shell. */
  readonly command: string;
  readonly args?: readonly string[] | undefined;
  /** Default: our own working directory. */
  readonly cwd?: string | undefined;
  /** Added to the inherited variables; null or undefined removes one. */
  readonly env?: Readonly<Record<string, string | null | undefined>> | undefined;
  /** True: the server inherits all our variables. Default false: only HOME, LOGNAME, PATH, SHELL, TERM and USER. */
  readonly inheritEnv?: boolean | undefined;
}

/** A server that is started as a child process, anew for every connection, in a process group of its own. Throws `InvalidOptionError`. */
export function stdio(options: StdioOptions): StdioTarget {
  return stdioTarget(options, undefined);
}

function stdioTarget(options: StdioOptions, serverId: string | undefined): StdioTarget {
  hiddenObject(options, 'target', serverId);
  const { command, args = [], cwd, env = {}, inheritEnv = false } = options;
  if (typeof command !== 'string' || command === '')
    throw new InvalidOptionError('command', command, 'the name or path of a program', serverId, true);
  if (!Array.isArray(args) || args.some((arg) => typeof arg !== 'string'))
    throw new InvalidOptionError('args', args, 'a list of texts', serverId, true);
  if (cwd !== undefined && typeof cwd !== 'string')
    throw new InvalidOptionError('cwd', cwd, 'the path of a folder', serverId);
  if (typeof inheritEnv !== 'boolean')
    throw new InvalidOptionError('inheritEnv', inheritEnv, 'true or false', serverId);
  if (typeof env !== 'object' || env === null || Array.isArray(env))
    throw new InvalidOptionError('env', typeof env, 'an object of texts', serverId);
  for (const [name, value] of Object.entries(env)) {
    if (typeof value !== 'string' && value !== null && value !== undefined) {
      throw new InvalidOptionError(`env.${name}`, typeof value, 'a text, null or undefined', serverId);
    }
  }
  return Object.freeze({
    kind: 'stdio',
    command,
    args: Object.freeze([...args]),
    cwd,
    env: withExpanded(Object.freeze({ ...env }), env),
    inheritEnv,
  });
}

/**
 * A server behind a transport of your own. The factory is asked for a fresh transport on every attempt; what it throws
 * fails that attempt and nothing else.
 */
export function custom(factory: () => Transport | Promise<Transport>): CustomTarget {
  return customTarget(factory, undefined);
}

function customTarget(factory: CustomTarget['factory'], serverId: string | undefined): CustomTarget {
  if (typeof factory !== 'function')
    throw new InvalidOptionError('factory', factory, 'a function that makes a transport', serverId);
  return Object.freeze({ kind: 'custom', factory });
}

/** A server behind one ready transport. It is connected once and never again: a transport cannot be reused. */
export function once(transport: Transport): OnceTarget {
  return onceTarget(transport, undefined);
}

function onceTarget(transport: Transport, serverId: string | undefined): OnceTarget {
  if (typeof transport !== 'object' || transport === null)
    throw new InvalidOptionError('transport', transport, 'a transport', serverId);
  return Object.freeze({ kind: 'once', transport });
}

/** A target as its factory would have made it: one that was put together by hand is checked like any other. */
export function checkTarget(target: ServerTarget, serverId: string): ServerTarget {
  hiddenObject(target, 'target', serverId);
  switch (target.kind) {
    case 'stdio':
      return stdioTarget(target, serverId);
    case 'http':
      return httpTarget(target, serverId);
    case 'webSocket':
      return webSocketTarget(target, serverId);
    case 'custom':
      return customTarget(target.factory, serverId);
    case 'once':
      return onceTarget(target.transport, serverId);
    default:
      throw new InvalidOptionError(
        'target',
        typeof target,
        'made by stdio(), http(), webSocket(), custom() or once()',
        serverId,
      );
  }
}
