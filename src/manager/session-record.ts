import type { SessionIo } from '../actors/session-io.ts';
import type { ToolList } from '../actors/list-tools.ts';
import { LinkLease, type LinkOpener } from '../actors/link-lease.ts';
import type { Clock, ConnectPermit } from '../actors/ports.ts';
import {
  begunAnew,
  emptyTally,
  forgiven,
  measured,
  withCircuitMoved,
  type CircuitMode,
  type SessionTally,
} from '../machines/call-tally.ts';
import { admitsCalls } from '../machines/session-setup.ts';
import type { ConnectionState, Phase } from '../machines/connection-state.ts';
import { blankMemory, type SessionData, type SessionMemory, type SessionPolicy } from '../machines/session-context.ts';
import type { Fault } from '../link/fault.ts';
import type { MemberView } from '../machines/group-policy.ts';
import type { Link, LinkEvent } from '../link/link.ts';
import type { LinkTarget } from '../link/target.ts';
import { ClosedError } from '../errors/usage-errors.ts';
import { CallTraffic } from './call-traffic.ts';
import type { Catalog } from './catalog.ts';
import { connectionInfoOf, type ConnectionInfo } from './connection-info.ts';
import { shownCrash, shownFault, type SessionFact } from './manager-events.ts';
import type { Instruments } from './instruments.ts';
import { KnownServer } from './known-server.ts';
import { Membership } from './member-view.ts';
import type { ManagerPorts } from './ports.ts';
import { openScrubbed } from './scrubbed-link.ts';
import type { ResolvedServerOptions } from './server-options.ts';
import { holdSecrets, type ServerSecrets } from './server-secrets.ts';
import { ServerTools } from './server-tools.ts';
import type { SessionHandle } from './session-handle.ts';
import { originOf, policyOf } from './session-policy.ts';
import {
  afterCrash,
  circuitOf,
  firstView,
  hasMoved,
  moveFact,
  nextView,
  noTags,
  type CircuitView,
  type SessionView,
} from './session-view.ts';
import { Wishes } from './wishes.ts';

/** What a record tells the manager that keeps it. */
export interface RecordOwner {
  readonly ports: ManagerPorts;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly instruments: Instruments;
  /** Something happened; `from` is the state that the record was in before, if that is what happened. */
  publish(record: SessionRecord, fact: SessionFact, from?: ConnectionState): void;
  /** Something that shows in the record's info changed. */
  changed(record: SessionRecord): void;
  /** Its catalog is another one. */
  catalogChanged(record: SessionRecord): void;
  /** What the groups of this server see of it changed. */
  memberChanged(record: SessionRecord, view: MemberView): void;
}

const noGroups: readonly string[] = Object.freeze([]);

/**
 * Everything of one server that outlives its session's actor: the lease on its link, its memory and its counts.
 * The target and its secrets are here and nowhere else; nothing of a record is ever serialised.
 */
export class SessionRecord implements SessionIo, LinkOpener {
  readonly id: string;
  readonly target: LinkTarget;
  readonly options: ResolvedServerOptions;
  readonly policy: SessionPolicy;
  readonly lease: LinkLease;
  readonly #owner: RecordOwner;
  readonly #secrets: ServerSecrets;
  // Made when first needed: with ten thousand records an empty Set each is megabytes.
  #listeners: Set<() => void> | undefined;
  #notificationListeners: Set<(method: string, params: unknown) => void> | undefined;
  #traffic: CallTraffic | undefined;
  #wishes: Wishes | undefined;
  #closed: Promise<void> | undefined;
  #permit: ConnectPermit | undefined;
  #finish: (() => void) | undefined;
  #info: ConnectionInfo | undefined;
  memory: SessionMemory = blankMemory;
  view: SessionView;
  tally: SessionTally = emptyTally;
  readonly tools: ServerTools = new ServerTools(this);
  readonly known: KnownServer = new KnownServer();
  lastAnswerMs: number | undefined;
  lastFailedCallMs: number | undefined;
  /** When its health was last checked, in milliseconds since the epoch; connecting is a check too. */
  lastCheckAt: number | null = null;
  /** The step that its actor is taking is a check: it shows with whatever else the step changes. */
  #isChecked = false;
  /** How often the circuit has moved: a call that began before it did says nothing to it any more. */
  circuitMoves = 0;
  staleEvents = 0;
  #membership: Membership | undefined;
  /** The record's public face; undefined only until the record is added. */
  session: SessionHandle | undefined;
  /** Removal has begun: nothing new is admitted. */
  removing: Promise<void> | undefined;
  finished = false;

  constructor(id: string, target: LinkTarget, options: ResolvedServerOptions, owner: RecordOwner) {
    this.id = id;
    this.target = target;
    this.options = options;
    this.#owner = owner;
    this.#secrets = holdSecrets(target, owner.ports.secrets);
    this.policy = policyOf(target, options);
    this.lease = new LinkLease(owner.ports.clock, this);
    this.view = firstView({ id, policy: this.policy, memory: blankMemory }, this.clock);
  }

  get origin(): string | null {
    return originOf(this.target);
  }

  get generation(): number {
    return this.view.context.generation;
  }

  get catalog(): Catalog {
    return this.tools.catalog;
  }

  get clock(): Clock {
    return this.#owner.ports.clock;
  }

  openLink(generation: number, onEvent: (event: LinkEvent) => void): Link {
    const { ports, clientInfo, instruments } = this.#owner;
    const { target = this.target } = this.#secrets;
    const { handlers: given, protocol } = this.options;
    const asksWishes = this.#wishes !== undefined || given?.roots !== undefined;
    const wished = asksWishes ? this.wishes.handlersFor(generation, given) : given;
    const handlers = instruments.heard(wished, this, generation);
    const knownEra = this.known.eraFor(generation);
    const asked = { serverId: this.id, generation, target, clientInfo, handlers, protocol, knownEra };
    return openScrubbed(this.#secrets, onEvent, (scrubbed) =>
      ports.links(target).open({ ...asked, onEvent: scrubbed }),
    );
  }

  wall(): number {
    return this.#owner.ports.clock.wall();
  }

  get probeTimeoutMs(): number {
    return this.options.healthCheck.timeoutMs;
  }

  /** The session's actor has taken a step. */
  observe(phase: Phase, context: SessionData, tags: ReadonlySet<string>): void {
    const before = this.view;
    const isChecked = this.#isChecked || (phase === 'connected.healthy' && before.phase.startsWith('connecting.'));
    this.#isChecked = false;
    if (isChecked) this.lastCheckAt = this.wall();
    if (before.phase === phase && before.context === context) {
      if (isChecked) this.#changed();
      return;
    }
    const change = this.known.learn(context.facts, context.generation, () => this.wall());
    this.view = nextView(before, { phase, context, tags }, this.clock);
    // Whom a connection that is let go, or whose actor crashed, asked is waited for no more.
    if (phase === 'releasing' || phase.startsWith('disconnected.')) this.#traffic?.people.set(0);
    if (context.generation !== before.context.generation) this.tally = begunAnew(this.tally);
    if (context.circuit.phase !== before.context.circuit.phase) this.forgetOutcomes();
    if (this.tools.observe(phase)) this.#owner.catalogChanged(this);
    if (!this.admits) this.#traffic?.bulkhead.callAll();
    if (hasMoved(before, this.view)) {
      this.#info = undefined;
      this.#owner.publish(this, moveFact(before, this.view), before.state);
    } else this.#changed();
    this.#tellGroups();
    if (change !== undefined) this.publish(change);
    if (phase === 'disconnected.parked.auth' && before.phase !== phase)
      this.publish({ type: 'authRequired', url: context.lastFault?.authorizationUrl ?? null });
    if (phase.startsWith('connected.')) this.#wishes?.renew();
  }

  /** The groups that it is a member of. */
  get groups(): readonly string[] {
    return this.#membership?.groups ?? noGroups;
  }

  /** `failuresThatCount`: the highest threshold of these groups. */
  joinGroups(groups: readonly string[], failuresThatCount: number): void {
    this.#membership = groups.length === 0 ? undefined : new Membership(groups, failuresThatCount);
    this.#changed();
  }

  #tellGroups(): void {
    const view = this.#membership?.news(this);
    if (view !== undefined) this.#owner.memberChanged(this, view);
  }

  get info(): ConnectionInfo {
    this.#info ??= connectionInfoOf(this);
    return this.#info;
  }

  publish(fact: SessionFact): void {
    if (fact.type === 'healthChecked' && !fact.void) this.#isChecked = true;
    this.#owner.publish(this, fact);
  }

  /** The session's actor threw: until it is started anew, the record speaks for it. */
  crashed(error: unknown, restartMs: number): void {
    const { clock } = this.#owner.ports;
    const fault: Fault = { kind: 'internal', ...shownCrash('session-crashed', error) };
    this.releasePermit();
    this.memory = { ...this.memory, lastFault: fault };
    this.publish({ type: 'sessionCrashed', error: shownFault(fault), restartMs });
    this.observe(
      'disconnected.backingOff',
      afterCrash({ ...this.view.context, ...this.memory }, fault, restartMs, clock.wall()),
      noTags,
    );
  }

  setTally(tally: SessionTally): void {
    this.tally = tally;
    this.#changed();
    this.#tellGroups();
  }

  /** Resolves when the session is closed and nothing of it is left. */
  get closed(): Promise<void> {
    this.#closed ??= this.finished
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.#finish = resolve;
        });
    return this.#closed;
  }

  /** Calls the listener after every change of the info; returns the way to stop. */
  onChange(listener: () => void): () => void {
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners === listeners) this.#listeners = undefined;
    };
  }

  onNotification(listener: (method: string, params: unknown) => void): () => void {
    return enlist((this.#notificationListeners ??= new Set()), listener);
  }

  /** Made with the first call: ten thousand servers that nobody calls must stay light. */
  get traffic(): CallTraffic {
    return (this.#traffic ??= new CallTraffic(this.clock, this.options));
  }

  /** Made with the first of them. */
  get wishes(): Wishes {
    return (this.#wishes ??= new Wishes(this));
  }

  /** Its state lets calls through; whether its link does, too, the link says. */
  get admits(): boolean {
    return admitsCalls(this.view.tags);
  }

  get circuit(): CircuitView {
    return circuitOf(this.view, this.clock);
  }

  /** What the outcome of a call means to the circuit at this moment. */
  get circuitMode(): CircuitMode {
    const { phase } = this.view.context.circuit;
    return phase === 'normal' || phase === 'probation' ? phase : 'barred';
  }

  /** What calls came to says nothing to the circuit any more, nor does what those that are under way will come to. */
  forgetOutcomes(): void {
    this.circuitMoves += 1;
    this.tally = withCircuitMoved(this.tally);
  }

  /** Somebody waits for the last call that is under way. */
  get waitsForCalls(): boolean {
    return this.removing !== undefined || this.view.context.recycling;
  }

  cancelCalls(): void {
    this.#traffic?.cancelAll(new ClosedError('session', this.id));
  }

  finish(): void {
    if (this.finished) return;
    this.releasePermit();
    // A session that is closed while no actor speaks for it ends all the same in `closed`.
    if (this.view.phase !== 'closed') {
      const rest = { pid: null, restMs: null, restEndsAtMs: null, nextAttemptAt: null };
      this.observe('closed', { ...this.view.context, ...rest }, noTags);
    }
    this.finished = true;
    this.tell();
    this.#finish?.();
  }

  /** The last that is to be said of this server has been said. */
  releaseSecrets(): void {
    this.#secrets.release();
  }

  holdPermit(permit: ConnectPermit): void {
    this.releasePermit();
    this.#permit = permit;
  }

  releasePermit(): void {
    this.#permit?.release();
    this.#permit = undefined;
  }

  /** A call was answered: proof of life, which makes the next check superfluous. Checks themselves are none, or every other one would be skipped. */
  noteAnswer(): void {
    this.lastAnswerMs = this.#owner.ports.clock.monotonic();
  }

  /** Forgets the failed calls in a row: those that are old, or all when somebody insists on the server. True when there were any. */
  forgiveCalls(how: 'old' | 'all'): boolean {
    const agoMs =
      how === 'all'
        ? Number.POSITIVE_INFINITY
        : this.clock.monotonic() - (this.lastFailedCallMs ?? Number.NEGATIVE_INFINITY);
    const tally = forgiven(this.tally, agoMs);
    if (tally !== undefined) this.setTally(tally);
    return tally !== undefined;
  }

  noteLatency(ms: number): number {
    this.tally = measured(this.tally, ms);
    return this.tally.latency.mean ?? ms;
  }

  get meanLatencyMs(): number {
    return this.tally.latency.mean ?? 0;
  }

  noteTools(generation: number, tools: ToolList): void {
    const facts = this.tools.note(generation, tools);
    this.#catalogChanged();
    for (const fact of facts) this.publish(fact);
  }

  /** Lets these tools be called as they are listed now; `hash`: only if a tool is still this one. Throws `InvalidOptionError`. */
  acceptTools(names: readonly string[], hash?: string): void {
    for (const name of names) this.tools.accept(name, hash);
    this.#catalogChanged();
  }

  noteAsking(generation: number, people: number): void {
    if (generation === this.generation) this.traffic.people.set(people);
  }

  noteNotification(_generation: number, method: string, params: unknown): void {
    for (const listener of this.#notificationListeners ?? []) listener(method, params);
    this.#wishes?.note(method, params);
  }

  noteStderr(generation: number, line: string): void {
    this.#owner.ports.logger.debug({ serverId: this.id, generation, line }, 'stderr');
  }

  noteFault(_generation: number, fault: Fault): void {
    this.#owner.publish(this, { type: 'linkFault', error: shownFault(fault) });
  }

  #catalogChanged(): void {
    this.#owner.catalogChanged(this);
    this.tell();
  }

  #changed(): void {
    this.#info = undefined;
    this.#owner.changed(this);
    this.tell();
  }

  /** Tells whoever watches this record that its info may differ. */
  tell(): void {
    for (const listener of this.#listeners ?? []) listener();
  }
}

function enlist<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
