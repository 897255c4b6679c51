import { HoldfastError } from './holdfast-error.ts';

/** There is no group of that id, or no longer. */
export class UnknownGroupError extends HoldfastError {
  override readonly name = 'UnknownGroupError';
  readonly groupId: string;

  constructor(groupId: string, known: readonly string[]) {
    const list = known.length === 0 ? 'none was added' : `known are ${known.slice(0, 10).map(quoted).join(', ')}`;
    super(`There is no group with the id ${quoted(groupId)}: ${list}${known.length > 10 ? ', …' : ''}.`, {
      code: 'UNKNOWN_GROUP',
    });
    this.groupId = groupId;
  }
}

/**
 * No member of the group takes calls, or none of those that did could be handed this one; nothing was sent.
 * `retryAfterMs` is the time until the first of them tries to connect again; `cause` the refusal of the last one tried.
 */
export class GroupUnavailableError extends HoldfastError {
  override readonly name = 'GroupUnavailableError';
  readonly groupId: string;

  constructor(
    message: string,
    details: {
      readonly groupId: string;
      readonly retryAfterMs?: number | undefined;
      readonly cause?: unknown;
    },
  ) {
    super(message, {
      code: 'GROUP_UNAVAILABLE',
      outcome: 'not-sent',
      retryable: true,
      retryAfterMs: details.retryAfterMs,
      cause: details.cause,
    });
    this.groupId = details.groupId;
  }
}

/** The members that take calls offer this tool with another input schema, or not at all, or their tools are not known; nothing was sent. */
export class FailoverSchemaMismatchError extends HoldfastError {
  override readonly name = 'FailoverSchemaMismatchError';
  readonly groupId: string;
  readonly tool: string;
  /** The member whose tools are the reference. */
  readonly reference: string;
  /** The members that take calls, but not this one. */
  readonly members: readonly string[];

  constructor(details: {
    readonly groupId: string;
    readonly tool: string;
    readonly reference: string;
    readonly members: readonly string[];
    readonly retryAfterMs?: number | undefined;
  }) {
    const { groupId, tool, reference, members } = details;
    super(
      `The call of tool ${quoted(tool)} of group ${quoted(groupId)} was not sent: ${members.map(quoted).join(', ')} ` +
        `${members.length === 1 ? 'does' : 'do'} not offer it with the same input schema as ${quoted(reference)}.`,
      { code: 'FAILOVER_SCHEMA_MISMATCH', outcome: 'not-sent', retryAfterMs: details.retryAfterMs },
    );
    this.groupId = groupId;
    this.tool = tool;
    this.reference = reference;
    this.members = members;
  }
}

function quoted(id: string): string {
  return JSON.stringify(id);
}
