import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { afterEach, beforeEach, expect } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import type { RequestFailure } from '../../../src/link/fault.ts';
import type { Link, LinkDriver, LinkEvent, OpenSpec, Pending, RequestOptions } from '../../../src/link/link.ts';
import { sdkV1Driver } from '../../../src/link/sdk-v1/sdk-v1-driver.ts';
import type { LinkTarget } from '../../../src/link/target.ts';
import { eventually } from '../../support/eventually.ts';

/** The driver that a test is about unless it says otherwise, and the client of its SDK. */
export const driverUnderTest: {
  current: LinkDriver;
  client: { readonly prototype: { connect(...args: never[]): unknown } };
} = {
  current: sdkV1Driver,
  client: Client,
};

/** Opens one link and keeps every event of it. */
export class Owner {
  readonly events: LinkEvent[] = [];
  readonly link: Link;
  readonly #waiting: { type: LinkEvent['type']; resolve: (event: LinkEvent) => void }[] = [];

  constructor(
    target: LinkTarget,
    options: Partial<Pick<OpenSpec, 'handlers' | 'protocol' | 'onEvent'>> & { driver?: LinkDriver } = {},
  ) {
    this.link = (options.driver ?? driverUnderTest.current).open({
      serverId: 'tested',
      generation: 1,
      target,
      clientInfo: { name: 'holdfast-test', version: '1.2.3' },
      handlers: options.handlers,
      protocol: options.protocol,
      onEvent: (event) => {
        this.events.push(event);
        for (const waiter of this.#waiting.filter(({ type }) => type === event.type)) waiter.resolve(event);
        options.onEvent?.(event);
      },
    });
  }

  get types(): LinkEvent['type'][] {
    return this.events.map(({ type }) => type);
  }

  /** The first event of this type, which may have come already. */
  async first<T extends LinkEvent['type']>(type: T): Promise<Extract<LinkEvent, { type: T }>> {
    const isOfType = (event: LinkEvent): event is Extract<LinkEvent, { type: T }> => event.type === type;
    const event =
      this.events.find(isOfType) ?? (await new Promise<LinkEvent>((resolve) => this.#waiting.push({ type, resolve })));
    if (!isOfType(event)) throw new Error(`waited for ${type}, got ${event.type}`);
    return event;
  }

  async opened(): Promise<this> {
    await this.first('opened');
    return this;
  }

  /** A request that can be cancelled. */
  ask(method: string, params?: Record<string, unknown>, options?: RequestOptions): Pending<Record<string, unknown>> {
    return this.link.request(method, params, options);
  }

  call(method: string, params?: Record<string, unknown>): Promise<Record<string, unknown>> {
    return this.ask(method, params).answer;
  }

  probe(): Promise<void> {
    return this.link.probe().answer;
  }
}

/** How the promise fails, as plain data; a promise that resolves or fails with anything but a `LinkError` fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<RequestFailure> {
  const error = await promise.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof LinkError) return error.failure;
  throw error;
}

/** Returns once everything that is already due has run: microtasks, and two turns of the event loop. */
export async function flush(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Fails a test that leaves an unhandled rejection, an uncaught exception or a timer behind. */
export function expectNothingLeft(): void {
  const crashes: unknown[] = [];
  const note = (error: unknown): void => {
    crashes.push(error);
  };
  let timers = 0;
  beforeEach(() => {
    crashes.length = 0;
    process.on('unhandledRejection', note).on('uncaughtException', note);
    timers = activeTimers();
  });
  afterEach(async () => {
    await flush();
    process.off('unhandledRejection', note).off('uncaughtException', note);
    expect(crashes).toEqual([]);
    // Vitest sets timers of its own, which pass.
    await eventually(() => activeTimers() <= timers, { what: 'no timer is left' });
  });
}

/** How many timers keep this process alive. */
function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}
