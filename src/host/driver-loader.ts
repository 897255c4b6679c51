/**
 * The default driver, without its weight: it is imported when the first link opens, and an SDK with the first link that needs it.
 */
import { describeThrown } from '../link/classify-fault.ts';
import { LinkError } from '../link/fault.ts';
import type { Fault } from '../link/fault.ts';
import type { CloseMode, Link, LinkDriver, OpenSpec, Pending, RequestOptions } from '../link/link.ts';
import { CLOSED_BY_OWNER, NOT_OPEN } from '../link/link-faults.ts';

/**
 * Opens links to servers of both eras, and imports what that takes with the first of them (about 170 ms for each SDK, once in a process).
 * A link that is closed before the import has finished never connects; an import that fails ends the link with kind `internal`,
 * code `driver-load-failed`.
 */
export const loadingDriver: LinkDriver = {
  name: 'sdk',
  open: (spec) => (loadedDriver ? loadedDriver.open(spec) : new LoadingLink(spec)),
  finishAuthorization: async (target, response) => {
    const { finishAuthorization } = await import('../link/http/finish-authorization.ts');
    return finishAuthorization(target, response);
  },
};

let loadedDriver: LinkDriver | undefined;

async function loadDriver(): Promise<LinkDriver> {
  loadedDriver ??= (await import('../link/sdk/default-driver.ts')).defaultDriver;
  return loadedDriver;
}

class LoadingLink implements Link {
  readonly #spec: OpenSpec;
  #link: Link | undefined;
  /** Only an end that came before there was a link to end. */
  #end: Fault | undefined;

  constructor(spec: OpenSpec) {
    this.#spec = spec;
    loadDriver().then(
      (driver) => {
        if (!this.#end) this.#link = driver.open(spec);
      },
      (error: unknown) => {
        this.#finish({ kind: 'internal', code: 'driver-load-failed', message: describeThrown(error) });
      },
    );
  }

  get isOpen(): boolean {
    return this.#link?.isOpen ?? false;
  }

  probe(): Pending<void> {
    return this.#link?.probe() ?? this.#refused();
  }

  request(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options?: RequestOptions,
  ): Pending<Record<string, unknown>> {
    return this.#link?.request(method, params, options) ?? this.#refused();
  }

  async notify(method: string, params: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    await (this.#link?.notify(method, params) ?? this.#refused().answer);
  }

  async close(mode: CloseMode): Promise<void> {
    if (this.#link) await this.#link.close(mode);
    else this.#finish(CLOSED_BY_OWNER);
  }

  #refused(): Pending<never> {
    const fault = this.#end ?? NOT_OPEN;
    return {
      answer: Promise.reject(new LinkError({ kind: 'link', sent: false, fault })),
      cancel: () => undefined,
    };
  }

  #finish(fault: Fault): void {
    if (this.#end) return;
    this.#end = fault;
    try {
      this.#spec.onEvent({ type: 'down', fault });
    } catch {
      // Against its contract; there is nothing above that could act on it.
    }
  }
}
