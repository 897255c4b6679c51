import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ErrorCode,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js';
import type { ServerRequestHandlers } from '../link.ts';

/** The capabilities that these handlers can answer for, and no other. Elicitation is by form: a URL needs more than a handler. */
export function capabilitiesOf(handlers: ServerRequestHandlers | undefined): ClientCapabilities {
  return {
    ...(handlers?.elicit && { elicitation: {} }),
    ...(handlers?.sample && { sampling: {} }),
    ...(handlers?.roots && { roots: { listChanged: true } }),
  };
}

/** What the link is told of the server's requests. None of these may throw. */
export interface ServerRequestListeners {
  readonly onHandlerError: (error: unknown) => void;
  /** How many people the server waits for, whenever that changes. */
  readonly onAsking: (people: number) => void;
}

/**
 * Lets the SDK's client answer a server's requests through the given handlers; it refuses all others as unknown methods.
 *
 * What a handler throws becomes an error answer. An error with an integer `code` was meant for the server and goes out as
 * it is; of anything else the server learns only that it failed, and `onHandlerError` is told the rest.
 */
export function registerServerRequests(
  client: Client,
  handlers: ServerRequestHandlers | undefined,
  { onHandlerError, onAsking }: ServerRequestListeners,
): void {
  const { elicit, sample, roots } = handlers ?? {};
  let people = 0;
  const asking = async <T>(signal: AbortSignal, answer: () => Promise<T>): Promise<T> => {
    // Taken back before anybody was asked.
    signal.throwIfAborted();
    let isAwaited = true;
    const over = (): void => {
      if (!isAwaited) return;
      isAwaited = false;
      people -= 1;
      onAsking(people);
    };
    people += 1;
    onAsking(people);
    // The server waits no longer from here on, whatever the handler makes of its signal.
    signal.addEventListener('abort', over);
    try {
      return await answer();
    } finally {
      over();
    }
  };
  const guarded = async <T>(signal: AbortSignal, answer: () => Promise<T>): Promise<T> => {
    try {
      return await answer();
    } catch (error) {
      // Nobody waits for the answer any more: throwing is how a handler should react to its signal.
      if (signal.aborted || isMeantForServer(error)) throw error;
      onHandlerError(error);
      // No McpError: the SDK would send its code twice, the second time in the message.
      throw Object.assign(new Error('The client failed to answer.'), { code: ErrorCode.InternalError });
    }
  };
  if (elicit) {
    client.setRequestHandler(ElicitRequestSchema, (request, { signal }) =>
      asking(signal, () => guarded(signal, () => elicit({ ...request.params }, signal))),
    );
  }
  if (sample) {
    client.setRequestHandler(CreateMessageRequestSchema, (request, { signal }) =>
      guarded(signal, () => sample({ ...request.params }, signal)),
    );
  }
  if (roots) {
    client.setRequestHandler(ListRootsRequestSchema, (_request, { signal }) =>
      guarded(signal, async () => ({ roots: (await roots()).map((root) => ({ ...root })) })),
    );
  }
}

function isMeantForServer(error: unknown): boolean {
  return error instanceof Error && 'code' in error && Number.isInteger(error.code);
}
