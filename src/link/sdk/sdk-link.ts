import { classifyFault, describeThrown } from '../classify-fault.ts';
import { Call } from '../engine/call.ts';
import type { Fault } from '../fault.ts';
import { CLOSED_BY_OWNER, CLOSED_BY_PEER, NOT_OPEN } from '../link-faults.ts';
import type { CloseMode, Era, Link, LinkEvent, OpenSpec, Pending, RequestOptions } from '../link.ts';
import { ModernVerbs } from '../modern/modern-verbs.ts';
import { settlesWithin } from '../settles-within.ts';
import { obtainWire } from '../wire/obtain-wire.ts';
import type { Wire, WireListeners } from '../wire/wire.ts';
import { Channel } from './channel.ts';
import { erasToTry, wantsOtherEra } from './era-plan.ts';
import { badHandshake, handshakeFault } from './handshake-fault.ts';
import type { LoadSdk, Sdk } from './sdk-client.ts';
import { readServerFacts } from './server-facts.ts';
import { legacyVerbs, proofOf } from './verbs.ts';
import type { Verbs } from './verbs.ts';

/** How long `close` waits for a factory that is still making a transport, in milliseconds. */
const FACTORY_LIMIT_MS = 2000;

/** Where the SDK of each era comes from; null for an era that the driver does not speak. */
export type Sdks = Readonly<Record<Era, LoadSdk | null>>;

/**
 * One connection generation over an SDK's client: a fresh client and a fresh transport, opened once, down once. A server that wants the
 * other era than the one that was tried gets its handshake over the same transport: it is started once, not twice.
 *
 * `down` comes at the first sign of the end, and everything pending is settled with it. `close` then waits for the peer.
 */
export class SdkLink implements Link {
  readonly #spec: OpenSpec;
  readonly #sdks: Sdks;
  #obtaining: Promise<void> | undefined;
  #wire: Wire | undefined;
  #starting: Promise<void> | undefined;
  /** Who hears what comes out of the wire. */
  #wireListeners: WireListeners | undefined;
  #channel: Channel | undefined;
  /** Set while the link is open. */
  #verbs: Verbs | undefined;
  #end: Fault | undefined;

  constructor(spec: OpenSpec, sdks: Sdks) {
    this.#spec = spec;
    this.#sdks = sdks;
    // Nothing may be reported before the owner holds the link.
    queueMicrotask(() => void this.#connect());
  }

  get isOpen(): boolean {
    return this.#verbs !== undefined && this.#wire?.isEnding === false;
  }

  probe(): Pending<void> {
    return this.#verbs?.probe() ?? proofOf(this.#refused());
  }

  request(
    method: string,
    params: Readonly<Record<string, unknown>> | undefined,
    options?: RequestOptions,
  ): Pending<Record<string, unknown>> {
    return this.#verbs?.request(method, params, options) ?? this.#refused();
  }

  async notify(method: string, params: Readonly<Record<string, unknown>> | undefined): Promise<void> {
    if (this.#verbs === undefined || this.#channel === undefined) await this.#refused().answer;
    else await this.#channel.notify(method, params);
  }

  async close(mode: CloseMode): Promise<void> {
    this.#finish(CLOSED_BY_OWNER);
    await this.#release(mode === 'graceful' ? 'graceful' : 'kill');
  }

  async #connect(): Promise<void> {
    if (this.#end) return;
    const eras = erasToTry(this.#spec).filter((era) => this.#sdks[era] !== null);
    const loading = this.#loaded(eras[0]);
    let sdk = loading instanceof Promise ? await loading : loading;
    if (sdk === undefined) return;
    try {
      this.#obtaining = this.#obtainWire();
      await this.#obtaining;
      const wire = this.#wire;
      if (!wire) return;
      if (this.#end) {
        await wire.end('kill');
        return;
      }
      for (const nextEra of [...eras.slice(1), undefined]) {
        const channel = this.#createChannel(wire, sdk);
        this.#channel = channel;
        const wanted = await this.#handshake(channel, wire, nextEra);
        if (wanted === undefined) return;
        sdk = wanted;
      }
    } catch (error) {
      this.#connectFailed(error, sdk);
    }
  }

  /** The SDK of this era; undefined when it could not be had, or the link has ended meanwhile. Without a wait where it was loaded before. */
  #loaded(era: Era | undefined): Sdk | undefined | Promise<Sdk | undefined> {
    const load = era === undefined ? null : this.#sdks[era];
    if (load === null) {
      const { protocol = 'auto' } = this.#spec;
      this.#fail({ kind: 'config', code: 'no-driver', message: `This driver does not speak protocol ${protocol}.` });
      return undefined;
    }
    const failed = (error: unknown): undefined => {
      this.#fail({ kind: 'internal', code: 'driver-load-failed', message: describeThrown(error) });
    };
    const loading = load();
    if (!(loading instanceof Promise)) return loading;
    return loading.then((sdk) => (this.#end ? undefined : sdk), failed);
  }

  /** Tries one era. Gives the SDK of the next one if the server wants that, undefined when there is no more to do. Rejects on failure. */
  async #handshake(channel: Channel, wire: Wire, nextEra: Era | undefined): Promise<Sdk | undefined> {
    try {
      await channel.open();
    } catch (error) {
      const { sdk, handshakeAnswer } = channel;
      if (this.#end || nextEra === undefined || !wantsOtherEra(sdk.era, handshakeAnswer)) throw error;
      channel.end(NOT_OPEN);
      return this.#loaded(nextEra);
    }
    if (this.#end) return undefined;
    const facts = readServerFacts(channel.handshakeAnswer, channel.sdk, wire.pid);
    const verbs =
      facts.era === 'legacy'
        ? legacyVerbs(channel.engine)
        : new ModernVerbs(channel, facts, wire.hasReplyStreams, this.#spec.clientInfo, {
            onFault: (fault) => this.#emitFault(fault),
            onNotice: (method, params) => this.#emit({ type: 'notice', method, params }),
          });
    this.#verbs = verbs;
    this.#emit({ type: 'opened', facts });
    verbs.open();
    return undefined;
  }

  #createChannel(wire: Wire, sdk: Sdk): Channel {
    const start = (listeners: WireListeners): Promise<void> => {
      this.#wireListeners = listeners;
      this.#starting ??= wire.start({
        onMessage: (message) => this.#wireListeners?.onMessage(message),
        onError: (error) => this.#wireListeners?.onError(error),
        onClosed: () => this.#wireListeners?.onClosed(),
      });
      return this.#starting;
    };
    return new Channel(wire, start, sdk, this.#spec, {
      onNotice: (method, params) => {
        if (this.#verbs?.hear(method, params) !== true) this.#emit({ type: 'notice', method, params });
      },
      onAsking: (people) => this.#emit({ type: 'asking', people }),
      onFault: (fault) => this.#emitFault(fault),
      onTransportError: (error) => this.#emitFault(classifyFault(error, this.isOpen ? 'open' : 'handshake')),
      onBadHandshake: () => this.#fail(badHandshake(sdk)),
      onClosed: () => this.#fail(wire.fault ?? CLOSED_BY_PEER),
    });
  }

  #connectFailed(error: unknown, sdk: Sdk | undefined): void {
    const wire = this.#wire;
    // A process that has exited will say in a moment how, with its last words on stderr.
    if (wire?.isEnding && !wire.fault) return;
    const channel = this.#channel;
    const phase = channel ? (channel.isStarted ? 'handshake' : 'start') : 'factory';
    const fault =
      wire?.fault ?? (sdk ? handshakeFault(error, channel?.handshakeAnswer, phase, sdk) : classifyFault(error, phase));
    const stderrTail = fault.stderrTail ?? wire?.stderrTail;
    this.#fail(stderrTail === undefined ? fault : { ...fault, stderrTail });
  }

  async #obtainWire(): Promise<void> {
    this.#wire = await obtainWire(this.#spec.target, {
      onSpawned: (pid) => this.#emit({ type: 'spawned', pid }),
      onStderr: (line) => this.#emit({ type: 'stderr', line }),
    });
  }

  #refused(): Call {
    return Call.failed({ kind: 'link', sent: false, fault: this.#end ?? NOT_OPEN });
  }

  #fail(fault: Fault): void {
    this.#finish(fault);
    void this.#release('kill');
  }

  #finish(fault: Fault): void {
    if (this.#end) return;
    this.#end = fault;
    this.#verbs?.end();
    this.#verbs = undefined;
    this.#channel?.end(fault);
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

  #deliver(event: LinkEvent): void {
    try {
      this.#spec.onEvent(event);
    } catch {
      // Against its contract; going on up, it would stop the SDK or the transport half way.
    }
  }
}
