import { LinkError, type Fault, type RequestFailure } from '../link/fault.ts';
import type { CloseMode, Link, LinkEvent, Pending, RequestOptions, ServerFacts } from '../link/link.ts';
import type { SecretRegistry } from '../secrets/secret-registry.ts';

/** Which secrets a link must not show. */
export interface LinkSecrets {
  readonly registry: SecretRegistry;
  /** Whether there may be more of them by the end of a request than at its beginning. */
  readonly growing: boolean;
}

/**
 * Opens a link of which nothing that may be shown names a secret: what it tells of itself and of its server, and what its requests fail
 * with, throughout. Answers, notifications and progress are the caller's data and are passed on as they are.
 */
export function openScrubbed(
  secrets: LinkSecrets,
  onEvent: (event: LinkEvent) => void,
  open: (onEvent: (event: LinkEvent) => void) => Link,
): Link {
  const { registry } = secrets;
  try {
    const link = open((event) => {
      onEvent(registry.isEmpty ? event : scrubbedEvent(event, registry));
    });
    return new ScrubbedLink(link, secrets);
  } catch (error) {
    // Against its contract, and on its way to the log and to whoever inspects the actor that it crashes.
    throw scrubbedError(error, registry);
  }
}

class ScrubbedLink implements Link {
  readonly #link: Link;
  readonly #secrets: LinkSecrets;

  constructor(link: Link, secrets: LinkSecrets) {
    this.#link = link;
    this.#secrets = secrets;
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  probe(): Pending<void> {
    return this.#scrubbed(this.#link.probe());
  }

  request(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options?: RequestOptions,
  ): Pending<Record<string, unknown>> {
    return this.#scrubbed(this.#link.request(method, params, options));
  }

  notify(method: string, params: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    return this.#link.notify(method, params).catch(this.#fail);
  }

  close(mode: CloseMode): Promise<void> {
    return this.#link.close(mode);
  }

  #scrubbed<Answer>(pending: Pending<Answer>): Pending<Answer> {
    // One promise less for each call where there is nothing to hide.
    if (this.#secrets.registry.isEmpty && !this.#secrets.growing) return pending;
    return {
      answer: pending.answer.catch(this.#fail),
      cancel: () => {
        pending.cancel();
      },
    };
  }

  get #fail(): (error: unknown) => never {
    return (error) => {
      throw scrubbedError(error, this.#secrets.registry);
    };
  }
}

function scrubbedEvent(event: LinkEvent, secrets: SecretRegistry): LinkEvent {
  switch (event.type) {
    case 'opened':
      return { ...event, facts: scrubbedFacts(event.facts, secrets) };
    case 'stderr':
      return { ...event, line: secrets.scrub(event.line) };
    case 'fault':
    case 'down':
      return { ...event, fault: scrubbedFault(event.fault, secrets) };
    case 'spawned':
    case 'asking':
    case 'notice':
      return event;
  }
}

function scrubbedFacts(facts: ServerFacts, secrets: SecretRegistry): ServerFacts {
  const { info, instructions, capabilities } = facts;
  return {
    ...facts,
    info: info === null ? null : { name: secrets.scrub(info.name), version: secrets.scrub(info.version) },
    instructions: instructions === null ? null : secrets.scrub(instructions),
    capabilities: secrets.scrubDeep(capabilities),
  };
}

/** Kind and code are words of our own or of the system's, and decide what happens next: they stay. */
function scrubbedFault(fault: Fault, secrets: SecretRegistry): Fault {
  const { message, stderrTail } = fault;
  return {
    ...fault,
    message: secrets.scrub(message),
    ...(stderrTail !== undefined && { stderrTail: secrets.scrub(stderrTail) }),
  };
}

function scrubbedError(error: unknown, secrets: SecretRegistry): Error {
  if (error instanceof LinkError) {
    if (secrets.isEmpty) return error;
    const clean = new LinkError(scrubbedFailure(error.failure, secrets), { cause: secrets.scrubDeep(error.cause) });
    if (error.stack !== undefined) clean.stack = secrets.scrub(error.stack);
    return clean;
  }
  return error instanceof Error ? secrets.scrubDeep(error) : new Error(secrets.scrub(String(error)));
}

function scrubbedFailure(failure: RequestFailure, secrets: SecretRegistry): RequestFailure {
  switch (failure.kind) {
    case 'rpc': {
      const { message, data } = failure;
      const shown = data === undefined ? {} : { data: secrets.scrubDeep(data) };
      return { ...failure, message: secrets.scrub(message), ...shown };
    }
    case 'refused':
    case 'link':
      return { ...failure, fault: scrubbedFault(failure.fault, secrets) };
    case 'aborted':
      return failure;
  }
}
