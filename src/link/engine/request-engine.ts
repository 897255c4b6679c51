import type { RpcMessage } from '../rpc-message.ts';
import { classifyFault, describeThrown } from '../classify-fault.ts';
import { LinkError } from '../fault.ts';
import type { Fault } from '../fault.ts';
import type { RequestOptions } from '../link.ts';
import { Call } from './call.ts';
import type { CallKeeper } from './call.ts';
import { readOwnId, readProgress, settleWithAnswer } from './json-rpc.ts';
import type { Wire } from '../wire/wire.ts';

/** The SDK's client counts its own ids up from 0; the two ranges never meet. */
const FIRST_ID = 1_000_000_000;
/** What every server can keep in a signed integer of 32 bits. */
const LAST_ID = 2_147_483_647;

const CANCEL_REASON = 'The caller no longer waits for the answer.';

export interface RequestEngineOptions {
  /** The ids that the requests go out under: from `first`, default 1 000 000 000, to `last`, default 2 147 483 647, and from `first` again. */
  readonly first?: number | undefined;
  readonly last?: number | undefined;
  /** Whether the server is told of a request that is given up; default true. False where the end of the reply's stream tells it. */
  readonly announcesCancel?: boolean | undefined;
}

/** How one request goes out, beside what its caller says. */
export interface EngineRequestOptions extends RequestOptions {
  /** Headers of its own, as names and values in turn, for a wire that has headers. */
  readonly headers?: readonly string[] | undefined;
}

/** What the engine tells the link. None of these may throw. */
export interface RequestEngineListeners {
  /** A cancellation could not be sent. */
  readonly onTransportError: (error: unknown) => void;
  /** A request that was sent is given up, without an answer. */
  readonly onGivenUp: () => void;
  /** A callback of the caller's threw. */
  readonly onCallbackError: (error: unknown) => void;
  readonly onBadMessage: () => void;
}

/**
 * Our requests, over the connection that the SDK's client has opened but past that client: ids of their own, each settled exactly
 * once, from the wire. Only here can an error that the server answered be told from one that a library raised by itself.
 *
 * Nothing is written for a call that is settled: the transport asks for each message, right before it writes it.
 */
export class RequestEngine implements CallKeeper {
  readonly #wire: Pick<Wire, 'send'>;
  readonly #listeners: RequestEngineListeners;
  readonly #calls = new Map<number, Call>();
  readonly #notifications = new Set<Call>();
  readonly #firstId: number;
  readonly #finalId: number;
  readonly #announcesCancel: boolean;
  #lastId: number;
  #wrapped = false;
  #end: Fault | undefined;

  constructor(wire: Pick<Wire, 'send'>, listeners: RequestEngineListeners, options: RequestEngineOptions = {}) {
    this.#wire = wire;
    this.#listeners = listeners;
    this.#firstId = options.first ?? FIRST_ID;
    this.#finalId = options.last ?? LAST_ID;
    this.#announcesCancel = options.announcesCancel ?? true;
    this.#lastId = this.#firstId - 1;
  }

  request(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    { onProgress, headers }: EngineRequestOptions = {},
  ): Call {
    const id = this.#freeId();
    const call = new Call(this, id, onProgress, headers);
    this.#calls.set(id, call);
    if (this.#end) {
      call.reject({ kind: 'link', sent: false, fault: this.#end });
      return call;
    }
    try {
      this.#send(call, { jsonrpc: '2.0', id, method, params: onProgress ? withToken(params, id) : params });
    } catch (error) {
      call.reject({ kind: 'link', sent: false, fault: unreadable(error) }, error);
    }
    return call;
  }

  /** A message without an answer, whose fate is followed all the same. `dispatch` sends it. */
  notification(): Call {
    const call = new Call(this, null);
    this.#notifications.add(call);
    return call;
  }

  /** Takes the answer to a request of ours, also one that comes too late or twice. False: it answers somebody else. */
  receiveAnswer(answer: object): boolean {
    const id = readOwnId(Reflect.get(answer, 'id'));
    if (id === null || !this.#wasIssued(id)) return false;
    const call = this.#calls.get(id);
    if (call !== undefined) settleWithAnswer(call, answer);
    return true;
  }

  receiveProgress(params: unknown): void {
    const update = readProgress(params);
    if (!update) {
      this.#listeners.onBadMessage();
      return;
    }
    const call = update.id === null ? undefined : this.#calls.get(update.id);
    try {
      call?.progress(update.progress);
    } catch (error) {
      this.#listeners.onCallbackError(error);
    }
  }

  /** The end of the link: everything under way fails with it, and nothing more is sent. */
  end(fault: Fault): void {
    if (this.#end) return;
    this.#end = fault;
    for (const calls of [this.#calls, this.#notifications]) {
      for (const call of calls.values()) call.reject({ kind: 'link', sent: call.sent, fault });
    }
  }

  settled(call: Call): void {
    if (call.id === null) this.#notifications.delete(call);
    else this.#calls.delete(call.id);
  }

  cancelled(call: Call): void {
    if (call.id === null || !call.sent) return;
    this.#listeners.onGivenUp();
    if (!this.#announcesCancel) return;
    const params = { requestId: call.id, reason: CANCEL_REASON };
    this.#wire
      .send({ jsonrpc: '2.0', method: 'notifications/cancelled', params }, { call: undefined, sdkOptions: undefined })
      .catch((error: unknown) => {
        if (!this.#end) this.#listeners.onTransportError(error);
      });
  }

  #send(call: Call, message: RpcMessage): void {
    this.#wire.send(message, { call, sdkOptions: undefined }).catch((error: unknown) => {
      if (call.settled) return;
      if (!(error instanceof LinkError)) {
        call.reject({ kind: 'link', sent: call.sent, fault: classifyFault(error, 'open') }, error);
        this.cancelled(call);
        return;
      }
      call.reject(error.failure, error.cause);
      if (!isFinal(error)) this.cancelled(call);
    });
  }

  #wasIssued(id: number): boolean {
    return id >= this.#firstId && id <= (this.#wrapped ? this.#finalId : this.#lastId);
  }

  #freeId(): number {
    do {
      if (this.#lastId < this.#finalId) this.#lastId += 1;
      else {
        this.#lastId = this.#firstId;
        this.#wrapped = true;
      }
    } while (this.#calls.has(this.#lastId));
    return this.#lastId;
  }
}

function withToken(params: Readonly<Record<string, unknown>> | undefined, id: number): Record<string, unknown> {
  const token = { progressToken: id };
  // Ten times as fast as with the token last, and every call has one.
  if (params === undefined || !('_meta' in params)) return { _meta: token, ...params };
  const { _meta: meta } = params;
  return { ...params, _meta: { ...(typeof meta === 'object' ? meta : undefined), ...token } };
}

/** Only params with a getter that throws: the transports find out the rest, each when it writes the message. */
function unreadable(error: unknown): Fault {
  return {
    kind: 'internal',
    code: 'not-json',
    message: `The message has no JSON form: ${describeThrown(error)}`,
  };
}

/**
 * Whether the server has nothing to be told of: the request never left, or it has turned it away itself. Where it may still be at work
 * on it, as when its reply was lost, the request is cancelled instead.
 */
function isFinal({ failure }: LinkError): boolean {
  if (failure.kind === 'refused') return true;
  return failure.kind === 'link' && (!failure.sent || failure.fault.code.startsWith('http:'));
}
