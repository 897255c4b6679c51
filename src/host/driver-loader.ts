/**
 * The default driver, without the weight of its SDK: that is imported when the first link opens.
 */
import { describeThrown } from '../link/classify-fault.ts';
import { LinkError } from '../link/fault.ts';
import type { Fault } from '../link/fault.ts';
import type { CloseMode, Link, LinkDriver, OpenSpec, RequestOptions } from '../link/link.ts';
import { CLOSED_BY_OWNER, NOT_OPEN } from '../link/sdk-v1/link-faults.ts';

/**
 * Opens links over SDK v1 and imports the SDK with the first of them (about 170 ms, once in a process).
 * A link that is closed before the import has finished never connects; an import that fails ends the link with kind `internal`,
 * code `driver-load-failed`.
 */
export const loadingDriver: LinkDriver = {
  name: 'sdk-v1',
  open: (spec) => (loadedDriver ? loadedDriver.open(spec) : new LoadingLink(spec)),
};

let loadedDriver: LinkDriver | undefined;

async function loadDriver(): Promise<LinkDriver> {
  loadedDriver ??= (await import('../link/sdk-v1/sdk-v1-driver.ts')).sdkV1Driver;
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

  async probe(signal: AbortSignal): Promise<void> {
    return this.#ready(signal).probe(signal);
  }

  async request(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options: RequestOptions,
  ): Promise<Record<string, unknown>> {
    return this.#ready(options.signal).request(method, params, options);
  }

  async notify(method: string, params: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    return this.#ready().notify(method, params);
  }

  async close(mode: CloseMode): Promise<void> {
    if (this.#link) await this.#link.close(mode);
    else this.#finish(CLOSED_BY_OWNER);
  }

  #ready(signal?: AbortSignal): Link {
    if (this.#link) return this.#link;
    if (signal?.aborted) throw new LinkError({ kind: 'aborted', sent: false }, { cause: signal.reason });
    throw new LinkError({ kind: 'link', sent: false, fault: this.#end ?? NOT_OPEN });
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
