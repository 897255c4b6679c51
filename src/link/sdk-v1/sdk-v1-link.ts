import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { classifyFault, describeThrown } from '../classify-fault.ts';
import { LinkError } from '../fault.ts';
import type { Fault, RequestFailure } from '../fault.ts';
import type { CloseMode, Link, LinkEvent, OpenSpec, RequestOptions } from '../link.ts';
import { Call } from './call.ts';
import { BAD_HANDSHAKE, handshakeFault } from './handshake-fault.ts';
import { BAD_MESSAGE, CLOSED_BY_OWNER, CLOSED_BY_PEER, NOT_OPEN } from './link-faults.ts';
import { noValidation } from './no-validation.ts';
import { obtainWire } from './obtain-wire.ts';
import { readServerFacts } from './server-facts.ts';
import { capabilitiesOf, registerServerRequests } from './server-requests.ts';
import { settlesWithin } from '../settles-within.ts';
import { WireTap } from './wire-tap.ts';
import type { Wire } from './wire.ts';

/** How long `close` waits for a factory that is still making a transport, in milliseconds. */
const FACTORY_LIMIT_MS = 2000;

/** The longest delay of a timer in Node: the SDK insists on a time limit, and ours are the caller's. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * One connection generation over the SDK's v1 client: a fresh client and a fresh transport, opened once, down once.
 *
 * `down` comes at the first sign of the end, and everything pending is settled with it. `close` then waits for the peer.
 */
export class SdkV1Link implements Link {
  readonly #spec: OpenSpec;
  readonly #calls = new Set<Call>();
  #obtaining: Promise<void> | undefined;
  #wire: Wire | undefined;
  #tap: WireTap | undefined;
  #channel: { readonly client: Client; readonly tap: WireTap } | undefined;
  #end: Fault | undefined;

  constructor(spec: OpenSpec) {
    this.#spec = spec;
    // Nothing may be reported before the owner holds the link.
    queueMicrotask(() => void this.#connect());
  }

  get isOpen(): boolean {
    return this.#channel !== undefined && this.#wire?.isEnding === false;
  }

  async probe(signal: AbortSignal): Promise<void> {
    const call = this.#request('ping', undefined, { signal });
    try {
      await call.promise;
    } catch (error) {
      if (!call.answered) throw error;
    }
  }

  request(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options: RequestOptions,
  ): Promise<Record<string, unknown>> {
    return this.#request(method, params, options).promise;
  }

  async notify(method: string, params: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    const call = this.#newCall();
    const channel = this.#channel;
    if (!channel) call.reject({ kind: 'link', sent: false, fault: this.#end ?? NOT_OPEN });
    else {
      const notification = { method, ...(params && { params: { ...params } }) };
      channel.tap
        .sendFor(call, () => channel.client.notification(notification))
        .then(
          () => call.resolve({}),
          (error: unknown) => call.reject(notifyFailure(call, error), error),
        );
    }
    await call.promise;
  }

  async close(mode: CloseMode): Promise<void> {
    this.#finish(CLOSED_BY_OWNER);
    await this.#release(mode === 'graceful' ? 'graceful' : 'kill');
  }

  async #connect(): Promise<void> {
    if (this.#end) return;
    try {
      this.#obtaining = this.#obtainWire();
      await this.#obtaining;
      const wire = this.#wire;
      if (!wire) return;
      if (this.#end) {
        await wire.end('kill');
        return;
      }
      const tap = this.#createTap(wire);
      this.#tap = tap;
      const client = this.#createClient(tap);
      await client.connect(tap, { timeout: NO_TIMEOUT_MS });
      if (this.#end) return;
      this.#channel = { client, tap };
      this.#emit({ type: 'opened', facts: readServerFacts(tap.initializeAnswer, wire.pid) });
    } catch (error) {
      this.#connectFailed(error);
    }
  }

  #connectFailed(error: unknown): void {
    const wire = this.#wire;
    // A process that has exited will say in a moment how, with its last words on stderr.
    if (wire?.isEnding && !wire.fault) return;
    const tap = this.#tap;
    const phase = tap ? (tap.isStarted ? 'handshake' : 'start') : 'factory';
    const fault = wire?.fault ?? handshakeFault(error, tap?.initializeAnswer, phase);
    const stderrTail = fault.stderrTail ?? wire?.stderrTail;
    this.#fail(stderrTail === undefined ? fault : { ...fault, stderrTail });
  }

  async #obtainWire(): Promise<void> {
    this.#wire = await obtainWire(this.#spec.target, {
      onSpawned: (pid) => this.#emit({ type: 'spawned', pid }),
      onStderr: (line) => this.#emit({ type: 'stderr', line }),
    });
  }

  #createTap(wire: Wire): WireTap {
    return new WireTap(wire, {
      onNotice: (method, params) => this.#emit({ type: 'notice', method, params }),
      onTransportError: (error) => this.#emitFault(classifyFault(error, this.isOpen ? 'open' : 'handshake')),
      onCallbackError: (error) => this.#emitCallbackFault(error),
      onBadMessage: () => this.#emitFault(BAD_MESSAGE),
      onClosed: () => this.#fail(wire.fault ?? CLOSED_BY_PEER),
    });
  }

  #createClient(tap: WireTap): Client {
    const { clientInfo, handlers } = this.#spec;
    const client = new Client(
      { ...clientInfo },
      { capabilities: capabilitiesOf(handlers), jsonSchemaValidator: noValidation },
    );
    registerServerRequests(client, handlers, (error) => this.#emitCallbackFault(error));
    client.onerror = () => {
      if (tap.forwarding === 'initialize') this.#fail(BAD_HANDSHAKE);
      else if (tap.forwarding === 'other') this.#emitFault(BAD_MESSAGE);
      // Otherwise it could not send something, which the tap has reported.
    };
    return client;
  }

  #request(method: string, params: Readonly<Record<string, unknown>> | undefined, options: RequestOptions): Call {
    const { signal, onProgress } = options;
    const call = this.#newCall(onProgress, () => signal.removeEventListener('abort', abort));
    const channel = this.#channel;
    const abort = (): void => {
      call.reject({ kind: 'aborted', sent: call.sent }, signal.reason);
      channel?.tap.cancel(call);
    };
    if (signal.aborted) call.reject({ kind: 'aborted', sent: false }, signal.reason);
    else if (!channel) call.reject({ kind: 'link', sent: false, fault: this.#end ?? NOT_OPEN });
    else {
      signal.addEventListener('abort', abort);
      channel.tap
        .sendFor(call, () =>
          channel.client.request({ method, ...(params && { params: { ...params } }) }, ResultSchema, {
            timeout: NO_TIMEOUT_MS,
            ...(onProgress && { onprogress: () => undefined }),
          }),
        )
        .catch((error: unknown) => {
          if (call.settled) return;
          call.reject({ kind: 'link', sent: call.sent, fault: classifyFault(error, 'open') }, error);
          channel.tap.cancel(call);
        });
    }
    return call;
  }

  #newCall(onProgress?: RequestOptions['onProgress'], onSettled?: () => void): Call {
    const call: Call = new Call(() => {
      this.#calls.delete(call);
      this.#tap?.forget(call);
      onSettled?.();
    }, onProgress);
    this.#calls.add(call);
    return call;
  }

  #fail(fault: Fault): void {
    this.#finish(fault);
    void this.#release('kill');
  }

  #finish(fault: Fault): void {
    if (this.#end) return;
    this.#end = fault;
    this.#channel = undefined;
    for (const call of this.#calls) call.reject({ kind: 'link', sent: call.sent, fault });
    this.#tap?.detach();
    this.#deliver({ type: 'down', fault });
  }

  async #release(mode: 'graceful' | 'kill'): Promise<void> {
    if (!this.#wire && this.#obtaining) await settlesWithin(this.#obtaining, FACTORY_LIMIT_MS);
    await this.#wire?.end(mode);
  }

  #emit(event: LinkEvent): void {
    if (!this.#end) this.#deliver(event);
  }

  #emitFault(fault: Fault): void {
    this.#emit({ type: 'fault', fault });
  }

  #emitCallbackFault(error: unknown): void {
    this.#emitFault({ kind: 'internal', code: 'handler-threw', message: describeThrown(error) });
  }

  #deliver(event: LinkEvent): void {
    try {
      this.#spec.onEvent(event);
    } catch {
      // Against its contract; going on up, it would stop the SDK or the transport half way.
    }
  }
}

function notifyFailure(call: Call, error: unknown): RequestFailure {
  if (error instanceof LinkError) return error.failure;
  const { sent } = call;
  if (sent) return { kind: 'link', sent, fault: classifyFault(error, 'open') };
  // The SDK refuses, before it sends anything, to notify of what was not declared as a capability.
  return { kind: 'link', sent, fault: { kind: 'config', code: 'capability-missing', message: describeThrown(error) } };
}
