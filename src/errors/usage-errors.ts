import { HoldfastError } from './holdfast-error.ts';

/** An argument or option that makes no sense. Thrown before anything is spawned or dialled. */
export class InvalidOptionError extends HoldfastError {
  override readonly name = 'InvalidOptionError';
  /** Path of the field, e.g. `healthCheck.intervalMs`. */
  readonly field: string;
  /** The value that was refused. */
  declare readonly value: unknown;

  /** `hidden`: the value may be a secret; it is in `value`, and neither in the message nor in what a logger prints of the error. */
  constructor(field: string, value: unknown, expected: string, serverId?: string, hidden: boolean = false) {
    super(`${field} must be ${expected}${hidden ? '' : `, but it is ${show(value)}`}.`, {
      code: 'INVALID_OPTION',
      serverId,
    });
    this.field = field;
    // A getter, which whoever prints the error does not call.
    Object.defineProperty(this, 'value', hidden ? { get: () => value } : { value, enumerable: true });
  }
}

/** A server or group of that id exists already; nothing was changed. */
export class DuplicateServerError extends HoldfastError {
  override readonly name = 'DuplicateServerError';

  constructor(serverId: string) {
    super(`A server with the id ${show(serverId)} exists already. Choose another id, or remove that server first.`, {
      code: 'DUPLICATE_SERVER',
      serverId,
    });
  }
}

/** The manager holds as many servers as `maxConnections` allows; nothing was changed. */
export class SessionLimitError extends HoldfastError {
  override readonly name = 'SessionLimitError';
  readonly limit: number;

  constructor(serverId: string, limit: number) {
    super(
      `Server ${show(serverId)} was not added: the limit of ${limit} servers is reached. Raise maxConnections, or remove a server first.`,
      { code: 'SESSION_LIMIT', serverId, retryable: true },
    );
    this.limit = limit;
  }
}

/** There is no server of that id, or no longer. */
export class UnknownServerError extends HoldfastError {
  override readonly name = 'UnknownServerError';

  constructor(serverId: string, known: readonly string[]) {
    const list =
      known.length === 0
        ? 'none was added'
        : `known are ${known.slice(0, 10).map(show).join(', ')}${known.length > 10 ? ', …' : ''}`;
    super(`There is no server with the id ${show(serverId)}: ${list}.`, { code: 'UNKNOWN_SERVER', serverId });
  }
}

/** The manager, the session or the group was closed; it takes nothing more. */
export class ClosedError extends HoldfastError {
  override readonly name = 'ClosedError';

  constructor(what: 'manager' | 'session' | 'group', id?: string) {
    super(
      what === 'manager'
        ? 'The session manager is closed.'
        : what === 'group'
          ? `Group ${show(id)} was removed.`
          : `Server ${show(id)} was removed; its session is closed.`,
      {
        code: 'CLOSED',
        outcome: 'not-sent',
        serverId: what === 'session' ? id : undefined,
      },
    );
  }
}

/** A value as it may stand in a message: JSON where possible, shortened, never a second line. */
function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'number' || value === undefined || typeof value === 'symbol' || typeof value === 'bigint')
    return String(value);
  try {
    const text = JSON.stringify(value);
    return text.length > 80 ? `${text.slice(0, 79)}…` : text;
  } catch {
    return 'a value that cannot be shown';
  }
}
