import type { Clock, TimerId } from '../actors/ports.ts';
import { type Fault, LinkError } from '../link/fault.ts';
import type { CloseMode, Link, LinkEvent, OpenSpec, Pending, RequestOptions, ServerFacts } from '../link/link.ts';
import { echoArguments, type SimulatedBehaviour } from './simulated-behaviour.ts';
import { Exchange, type ExchangeOwner, rpcFailureOf } from './simulated-exchange.ts';
import { standardAnswer } from './simulated-answers.ts';

/** What a simulated link needs of the server behind it. */
export interface LinkPeer extends Readonly<SimulatedBehaviour> {
  readonly clock: Clock;
  readonly isHung: boolean;
  readonly isCongested: boolean;
  /** Calls back when something reaches this process after the delay. */
  later(callback: () => void, delayMs: number): TimerId;
  factsOf(pid: number | null): ServerFacts;
  countProbe(): void;
  countRequest(): void;
  noteExecuted(tool: string, args: unknown, generation: number): void;
  noteReceived(method: string, params: Readonly<Record<string, unknown>>, generation: number): void;
  noteClose(mode: CloseMode): void;
  linkGone(link: SimulatedLink): void;
}

const NOT_OPEN: Fault = Object.freeze({ kind: 'transport', code: 'not-open', message: 'the link is not open yet' });
const CLOSED: Fault = Object.freeze({ kind: 'closed', code: 'closed', message: 'the link was closed' });
const NO_PARAMS = Object.freeze({});

/** One generation of a connection to a simulated server, strictly by the contract of `Link`. */
export class SimulatedLink implements Link, ExchangeOwner {
  readonly spec: OpenSpec;
  readonly pid: number | null;
  /** Like the server's own `isHung`, for this link alone. */
  isHung = false;
  readonly #peer: LinkPeer;
  #opened = false;
  #down: Fault | null = null;
  #gone = false;
  #closing: { readonly done: Promise<void>; readonly resolve: () => void } | null = null;
  /** True once the peer was killed or dropped: it answers nothing more, though `down` may still be to come. */
  #silenced = false;
  #timer: TimerId = null;
  #timerDue = Infinity;
  #pending: Set<Exchange> | null = null;
  /** What waits for `resume`. */
  #held: (() => void)[] | null = null;
  /** What waits for `decongest`. */
  #unsent: (() => void)[] | null = null;
  #people = 0;
  #emitting = false;
  #backlog: LinkEvent[] | null = null;

  constructor(peer: LinkPeer, spec: OpenSpec, pid: number | null) {
    this.#peer = peer;
    this.spec = spec;
    this.pid = pid;
    queueMicrotask(() => this.#connect());
  }

  get isOpen(): boolean {
    return this.#opened && this.#closing === null && this.#down === null;
  }

  probe(): Pending<void> {
    const exchange = this.#exchange((arriving) => {
      this.#peer.countProbe();
      return () => this.#answerPing(arriving);
    });
    return { answer: exchange.answer.then(() => undefined), cancel: () => exchange.cancel() };
  }

  request(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options: RequestOptions = {},
  ): Pending<Record<string, unknown>> {
    return this.#exchange((exchange) => {
      this.#peer.countRequest();
      if (method === 'ping') return () => this.#answerPing(exchange);
      const { turnsAway } = this.#peer;
      if (turnsAway !== null) return () => this.#answer(exchange, () => exchange.fail(turnsAway));
      if (method === 'tools/call') return () => this.#execute(exchange, params ?? NO_PARAMS, options);
      return () => this.#answerRequest(exchange, method, params ?? NO_PARAMS);
    });
  }

  notify(method: string, params: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    if (!this.isOpen) return Promise.reject(this.#refusal());
    this.#write(() => this.#send(() => this.#peer.noteReceived(method, params ?? NO_PARAMS, this.spec.generation)));
    return Promise.resolve();
  }

  close(mode: CloseMode): Promise<void> {
    this.#peer.noteClose(mode);
    if (this.#gone) return Promise.resolve();
    this.#closing ??= deferred();
    if (!this.#opened) this.#cancelTimer();
    if (mode !== 'graceful') this.#silenced = true;
    if (!this.#peer.neverCloses) this.#finishIn(mode === 'graceful' ? this.#peer.closeMs : this.#peer.killMs);
    return this.#closing.done;
  }

  /** The link goes down by itself. `peerRemains`: a process or socket is left over that only `close` removes. */
  goDown(fault: Fault, peerRemains: boolean): void {
    if (this.#down === null) {
      this.#emit({ type: 'down', fault });
      const pending = this.#pending;
      this.#pending = null;
      if (this.#closing === null) this.#cancelTimer();
      for (const exchange of pending ?? []) exchange.fail({ kind: 'link', sent: exchange.sent, fault });
    }
    if (!peerRemains) this.#vanish();
  }

  /** Delivers what the server says of its own accord; nothing before `opened` but stderr, and nothing after `down`. */
  say(event: Extract<LinkEvent, { type: 'notice' | 'stderr' | 'fault' }>): void {
    if (this.#opened || event.type === 'stderr') this.#emit(event);
  }

  /** So many people more, or fewer, are waited for. */
  askPerson(more: 1 | -1): void {
    this.#people += more;
    this.#emit({ type: 'asking', people: this.#people });
  }

  /** What was held while the server hung happens now, in order. */
  resume(): void {
    const held = this.#held;
    this.#held = null;
    for (const step of held ?? []) step();
  }

  /** What could not be written is sent now, in order. */
  decongest(): void {
    const unsent = this.#unsent;
    this.#unsent = null;
    for (const send of unsent ?? []) send();
  }

  exchangeSettled(exchange: Exchange): void {
    this.#pending?.delete(exchange);
    if (exchange.timer !== null) this.#peer.clock.clearTimeout(exchange.timer);
    exchange.timer = null;
  }

  #connect(): void {
    if (this.#closing !== null || this.#down !== null) return;
    const { refuse, connectMs } = this.#peer;
    if (this.pid !== null && (refuse === null || refuse.kind === 'exit'))
      this.#emit({ type: 'spawned', pid: this.pid });
    if (connectMs > 0) this.#timer = this.#peer.later(() => this.#finishOpening(), connectMs);
    else this.#finishOpening();
  }

  #finishOpening(): void {
    if (this.#closing !== null || this.#down !== null) return;
    const { refuse } = this.#peer;
    if (refuse !== null) {
      this.goDown(refuse, false);
    } else if (!this.#hold(() => this.#finishOpening()) && this.#peer.answersInitialize) {
      this.#timer = null;
      this.#opened = true;
      this.#emit({ type: 'opened', facts: this.#peer.factsOf(this.pid) });
    }
  }

  #exchange(arrive: (exchange: Exchange) => () => void): Exchange {
    const exchange = new Exchange(this);
    if (!this.isOpen) {
      exchange.fail(this.#refusal().failure);
      return exchange;
    }
    (this.#pending ??= new Set()).add(exchange);
    this.#write(() => {
      if (exchange.isSettled) return;
      exchange.sent = true;
      this.#send(arrive(exchange));
    });
    return exchange;
  }

  #write(send: () => void): void {
    if (this.#peer.isCongested) (this.#unsent ??= []).push(send);
    else send();
  }

  /** The server reads a sent message even if the client has cancelled it since: the cancellation is behind it in the stream. */
  #send(read: () => void): void {
    queueMicrotask(() => this.#whenAlive(read));
  }

  #whenAlive(step: () => void): void {
    if (this.#gone || this.#silenced || this.#down !== null) return;
    if (!this.#hold(() => this.#whenAlive(step))) step();
  }

  #hold(step: () => void): boolean {
    if (!this.isHung && !this.#peer.isHung) return false;
    (this.#held ??= []).push(step);
    return true;
  }

  #answer(exchange: Exchange, settle: () => void): void {
    const { answerMs } = this.#peer;
    if (exchange.isSettled) return;
    if (answerMs > 0) exchange.timer = this.#peer.later(() => this.#whenAlive(settle), answerMs);
    else this.#whenAlive(settle);
  }

  #answerPing(exchange: Exchange): void {
    if (this.#peer.answersPing) this.#answer(exchange, () => exchange.succeed({}));
  }

  #answerRequest(exchange: Exchange, method: string, params: Readonly<Record<string, unknown>>): void {
    this.#peer.noteReceived(method, params, this.spec.generation);
    void promised(() => this.#peer.onRequest?.(method, params) ?? standardAnswer(this.#peer, method, params)).then(
      (result) => this.#answer(exchange, () => exchange.succeed(result)),
      (error: unknown) => this.#answer(exchange, () => exchange.fail(rpcFailureOf(error))),
    );
  }

  #execute(exchange: Exchange, params: Readonly<Record<string, unknown>>, { onProgress }: RequestOptions): void {
    const name = String(params['name']);
    const args = params['arguments'];
    this.#peer.noteExecuted(name, args, this.spec.generation);
    const { onCall, losesReplies } = this.#peer;
    if (losesReplies !== null) {
      this.#answer(exchange, () => exchange.fail({ kind: 'link', sent: true, fault: losesReplies }));
      return;
    }
    if (onCall === echoArguments) {
      this.#answerCall(exchange, () => exchange.succeed(echoArguments(name, args)));
      return;
    }
    const controller = new AbortController();
    exchange.controller = controller;
    if (exchange.isSettled) controller.abort();
    void promised(() =>
      onCall(name, args, controller.signal, (progress) => {
        if (!exchange.isSettled) onProgress?.(progress);
      }),
    ).then(
      (result) => this.#answerCall(exchange, () => exchange.succeed(result)),
      (error: unknown) => this.#answerCall(exchange, () => exchange.fail(rpcFailureOf(error))),
    );
  }

  #answerCall(exchange: Exchange, settle: () => void): void {
    if (this.#peer.answersCalls) this.#answer(exchange, settle);
  }

  #finishIn(delayMs: number): void {
    const due = this.#peer.clock.monotonic() + delayMs;
    if (due >= this.#timerDue) return;
    this.#cancelTimer();
    this.#timerDue = due;
    if (delayMs > 0) this.#timer = this.#peer.later(() => this.goDown(CLOSED, false), delayMs);
    else queueMicrotask(() => this.goDown(CLOSED, false));
  }

  #vanish(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#held = null;
    this.#unsent = null;
    this.#cancelTimer();
    this.#peer.linkGone(this);
    this.#closing?.resolve();
  }

  #cancelTimer(): void {
    if (this.#timer !== null) this.#peer.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Events raised while one is being delivered wait for it, so that their order holds for every observer. */
  #emit(event: LinkEvent): void {
    if (this.#down !== null) return;
    if (event.type === 'down') this.#down = event.fault;
    if (this.#emitting) {
      (this.#backlog ??= []).push(event);
      return;
    }
    this.#emitting = true;
    for (let next: LinkEvent | undefined = event; next !== undefined; next = this.#backlog?.shift()) {
      try {
        this.spec.onEvent(next);
      } catch {
        // An owner that throws has broken its side of the contract; a server knows nothing of it.
      }
    }
    this.#emitting = false;
  }

  #refusal(): LinkError {
    const fault = this.#down ?? (this.#closing === null ? NOT_OPEN : CLOSED);
    return new LinkError({ kind: 'link', sent: false, fault });
  }
}

function deferred(): { readonly done: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const done = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { done, resolve };
}

/** Runs it at once; a synchronous throw becomes a rejection. */
function promised<T>(run: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve) => {
    resolve(run());
  });
}
