import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { classifyFault, describeThrown } from '../classify-fault.ts';
import { LinkError } from '../fault.ts';
import type { Fault, RequestFailure } from '../fault.ts';
import type { CloseMode, Link, LinkEvent, OpenSpec, Pending, RequestOptions } from '../link.ts';
import { Call } from './call.ts';
import type { CallKeeper } from './call.ts';
import { BAD_HANDSHAKE, handshakeFault } from './handshake-fault.ts';
import { BAD_MESSAGE, CLOSED_BY_OWNER, CLOSED_BY_PEER, HALF_MESSAGE, NOT_OPEN } from './link-faults.ts';
import { noValidation } from './no-validation.ts';
import { obtainWire } from './obtain-wire.ts';
import { RequestEngine } from './request-engine.ts';
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
  #obtaining: Promise<void> | undefined;
  #wire: Wire | undefined;
  #tap: WireTap | undefined;
  #channel: { readonly client: Client; readonly tap: WireTap; readonly engine: RequestEngine } | undefined;
  #end: Fault | undefined;

  constructor(spec: OpenSpec) {
    this.#spec = spec;
    // Nothing may be reported before the owner holds the link.
    queueMicrotask(() => void this.#connect());
  }

  get isOpen(): boolean {
    return this.#channel !== undefined && this.#wire?.isEnding === false;
  }

  probe(): Pending<void> {
    const call = this.#request('ping', undefined);
    return {
      answer: call.answer.then(
        () => undefined,
        (error: unknown) => {
          if (!call.answered) throw error;
        },
      ),
      cancel: () => {
        call.cancel();
      },
    };
  }

  request(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options?: RequestOptions,
  ): Pending<Record<string, unknown>> {
    return this.#request(method, params, options);
  }

  async notify(method: string, params: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    const channel = this.#channel;
    if (!channel) throw new LinkError({ kind: 'link', sent: false, fault: this.#end ?? NOT_OPEN });
    const call = channel.engine.notification();
    // By reference: params with a getter that throws fail in the transport, as those of a request do.
    const notification = { method, ...(params && { params }) };
    channel.tap
      .sendFor(call, () => channel.client.notification(notification))
      .then(
        () => call.resolve({}),
        (error: unknown) => call.reject(notifyFailure(call, error), error),
      );
    await call.answer;
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
      const engine = this.#createEngine(wire);
      const tap = this.#createTap(wire, engine);
      this.#tap = tap;
      const client = this.#createClient(tap);
      await client.connect(tap, { timeout: NO_TIMEOUT_MS });
      if (this.#end) return;
      this.#channel = { client, tap, engine };
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

  #createEngine(wire: Wire): RequestEngine {
    return new RequestEngine(wire, {
      onGivenUp: () => {
        if (wire.partialBytes > 0) this.#emitFault(HALF_MESSAGE);
      },
      onTransportError: (error) => this.#emitTransportError(error),
      onCallbackError: (error) => this.#emitCallbackFault(error),
      onBadMessage: () => this.#emitFault(BAD_MESSAGE),
    });
  }

  #createTap(wire: Wire, engine: RequestEngine): WireTap {
    return new WireTap(wire, engine, {
      onNotice: (method, params) => this.#emit({ type: 'notice', method, params }),
      onTransportError: (error) => this.#emitTransportError(error),
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
    registerServerRequests(client, handlers, {
      onHandlerError: (error) => this.#emitCallbackFault(error),
      onAsking: (people) => this.#emit({ type: 'asking', people }),
    });
    client.onerror = () => {
      if (tap.forwarding === 'initialize') this.#fail(BAD_HANDSHAKE);
      else if (tap.forwarding === 'other') this.#emitFault(BAD_MESSAGE);
      // Otherwise it could not send something, which the tap has reported.
    };
    return client;
  }

  #request(method: string, params: Readonly<Record<string, unknown>> | undefined, options?: RequestOptions): Call {
    const engine = this.#channel?.engine;
    if (engine) return engine.request(method, params, options);
    const call = new Call(UNKEPT, null);
    call.reject({ kind: 'link', sent: false, fault: this.#end ?? NOT_OPEN });
    return call;
  }

  #fail(fault: Fault): void {
    this.#finish(fault);
    void this.#release('kill');
  }

  #finish(fault: Fault): void {
    if (this.#end) return;
    this.#end = fault;
    this.#channel?.engine.end(fault);
    this.#channel = undefined;
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

  #emitTransportError(error: unknown): void {
    this.#emitFault(classifyFault(error, this.isOpen ? 'open' : 'handshake'));
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

/** Keeps what is settled from the start. */
const UNKEPT: CallKeeper = { settled: () => undefined, cancelled: () => undefined };

function notifyFailure(call: Call, error: unknown): RequestFailure {
  if (error instanceof LinkError) return error.failure;
  const { sent } = call;
  if (sent) return { kind: 'link', sent, fault: classifyFault(error, 'open') };
  // The SDK refuses, before it sends anything, to notify of what was not declared as a capability.
  return { kind: 'link', sent, fault: { kind: 'config', code: 'capability-missing', message: describeThrown(error) } };
}
