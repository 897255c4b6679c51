import { constants, deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, expect } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import type { Fault, RequestFailure } from '../../../src/link/fault.ts';
import type { WebSocketTarget } from '../../../src/link/target.ts';
import { WebSocketTransport } from '../../../src/link/web-socket/web-socket-transport.ts';
import type { WebSocketTransportOptions } from '../../../src/link/web-socket/web-socket-transport.ts';
import { startLeakCheck } from '../../../src/testing/index.ts';
import type { LeakCheck } from '../../../src/testing/index.ts';
import { expectSoon } from '../../support/expect-soon.ts';
import { stopWebSocketServers } from '../../support/web-socket-server.ts';
import type { WebSocketServer, WebSocketServerOptions } from '../../support/web-socket-server.ts';

/** A transport with everything that it told, in order. */
export class TestTransport {
  readonly transport: WebSocketTransport;
  /** What happened, in order: `message`, `error`, `close`. */
  readonly events: string[] = [];
  readonly messages: Readonly<Record<string, unknown>>[] = [];
  readonly faults: Fault[] = [];
  readonly closed: Promise<void>;
  /** The fault as it stood when `onclose` was called. */
  faultAtClose: Fault | undefined;

  constructor(
    url: string,
    { headers = {}, ...options }: Partial<WebSocketTransportOptions & Pick<WebSocketTarget, 'headers'>> = {},
  ) {
    this.transport = new WebSocketTransport({ ...options, target: { kind: 'webSocket', url, headers } });
    this.transport.onmessage = (message) => {
      this.events.push('message');
      this.messages.push(message);
    };
    this.transport.onerror = (error) => {
      this.events.push('error');
      if (error instanceof LinkError && error.failure.kind === 'link') this.faults.push(error.failure.fault);
    };
    this.closed = new Promise((resolve) => {
      this.transport.onclose = () => {
        this.events.push('close');
        this.faultAtClose = this.transport.fault;
        resolve();
      };
    });
  }

  async started(): Promise<this> {
    await this.transport.start();
    return this;
  }

  /** How it ended, once it has. */
  async end(): Promise<Fault | undefined> {
    await this.closed;
    return this.faultAtClose;
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

/** Resolves when the server has no connection left: what we close is closed for the other side too. */
export async function expectNoSockets(server: WebSocketServer): Promise<void> {
  await expectSoon(() => server.openSockets).toBe(0);
}

/** Stops the servers after each test, and fails one that leaves a socket, a timer, an unhandled rejection or an exception behind. */
export function expectNothingLeft(): void {
  const crashes: unknown[] = [];
  const note = (error: unknown): void => {
    crashes.push(error);
  };
  let leaks: LeakCheck;
  beforeEach(() => {
    crashes.length = 0;
    process.on('unhandledRejection', note).on('uncaughtException', note);
    leaks = startLeakCheck({ settleMs: 10_000 });
  });
  afterEach(async () => {
    await stopWebSocketServers();
    await leaks.verify();
    process.off('unhandledRejection', note).off('uncaughtException', note);
    expect(crashes).toEqual([]);
  });
}

/** A server that agrees to compressed messages. */
export const compressing: WebSocketServerOptions = { answer: { 'sec-websocket-extensions': 'permessage-deflate' } };

/** As that extension compresses it: without the last four bytes. */
export function compressed(text: string | Buffer): Buffer {
  const bytes = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, bytes.length - 4);
}
