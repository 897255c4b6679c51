import { isDeepStrictEqual } from 'node:util';
import type { ConfigProblem, GroupSettings, LoadedConfig } from '../config/index.ts';
import { ConfigError } from '../errors/config-error.ts';
import { HoldfastError } from '../errors/holdfast-error.ts';
import {
  ClosedError,
  DuplicateServerError,
  InvalidOptionError,
  SessionLimitError,
  UnknownServerError,
} from '../errors/usage-errors.ts';
import type { Applied, ApplyReport } from './apply-report.ts';
import { groupForms, serverForms, targetOf, type ServerForm } from './config-forms.ts';
import type { Group } from './group.ts';
import type { GroupRegistry } from './group-registry.ts';
import { checkId, type ServerRegistry } from './server-registry.ts';
import type { Session } from './session.ts';

/** Refusals that may be due to what this very configuration removes, or adds later. */
const passing = [DuplicateServerError, SessionLimitError, UnknownServerError] as const;

/** What a configuration is applied to. */
export interface AppliedTo {
  readonly servers: ServerRegistry;
  readonly groups: GroupRegistry;
  readonly isClosed: () => boolean;
}

/** What is held because a configuration says so. */
interface HeldServer {
  readonly session: Session;
  readonly form: ServerForm;
}

interface HeldGroup {
  readonly group: Group;
  readonly form: GroupSettings;
}

/** Keeps a manager at what its configuration says, by the difference to what was applied before. */
export class ConfigApplier {
  readonly #to: AppliedTo;
  readonly #servers = new Map<string, HeldServer>();
  readonly #groups = new Map<string, HeldGroup>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(to: AppliedTo) {
    this.#to = to;
  }

  /** One after the other, in the order in which they were asked for. Rejects with `ClosedError` when the manager is closed by then. */
  apply(config: LoadedConfig): Promise<ApplyReport> {
    const applied = this.#last.then(() => this.#apply(config));
    this.#last = applied.catch(() => undefined);
    return applied;
  }

  async #apply(config: LoadedConfig): Promise<ApplyReport> {
    if (this.#to.isClosed()) throw new ClosedError('manager');
    this.#forgetWhatIsGone();
    const round = new Round(config, this.#servers, this.#groups, this.#to);
    round.removeGroups();
    await round.addServers();
    round.setGroups();
    await round.changeServers();
    // What stood in the way of these may be gone now: an id that was taken, or the limit.
    await round.addServers();
    round.setGroups();
    return round.report();
  }

  /** What somebody removed, or put in its place, is not ours any more. */
  #forgetWhatIsGone(): void {
    const { servers, groups } = this.#to;
    for (const [id, { session }] of this.#servers) if (servers.find(id) !== session) this.#servers.delete(id);
    for (const [id, { group }] of this.#groups) if (groups.find(id) !== group) this.#groups.delete(id);
  }
}

/** One configuration being applied. */
class Round {
  readonly #to: AppliedTo;
  readonly #heldServers: Map<string, HeldServer>;
  readonly #heldGroups: Map<string, HeldGroup>;
  readonly #servers: ReadonlyMap<string, ServerForm>;
  readonly #groups: ReadonlyMap<string, GroupSettings>;
  readonly #mistakes: Mistakes;
  /** Those that were held before, in the order in which they were added: what is done to them ends in any order. */
  readonly #before: { readonly servers: readonly string[]; readonly groups: readonly string[] };
  readonly #appliedServers = new Map<string, Applied>();
  readonly #appliedGroups = new Map<string, Applied>();

  constructor(
    config: LoadedConfig,
    heldServers: Map<string, HeldServer>,
    heldGroups: Map<string, HeldGroup>,
    to: AppliedTo,
  ) {
    this.#to = to;
    this.#heldServers = heldServers;
    this.#heldGroups = heldGroups;
    this.#servers = serverForms(config);
    this.#groups = groupForms(config);
    this.#mistakes = new Mistakes(config.problems);
    this.#before = { servers: [...heldServers.keys()], groups: [...heldGroups.keys()] };
    for (const [id, problem] of this.#mistakes.ofServers) {
      this.#appliedServers.set(id, refused(id, heldServers.has(id), new ConfigError(problem)));
    }
  }

  removeGroups(): void {
    for (const id of this.#heldGroups.keys()) {
      if (this.#groups.has(id)) continue;
      if (this.#mistakes.ofGroups !== undefined) {
        this.#appliedGroups.set(id, refused(id, true, new ConfigError(this.#mistakes.ofGroups)));
        continue;
      }
      this.#to.groups.remove(id);
      this.#heldGroups.delete(id);
      this.#appliedGroups.set(id, { id, change: 'removed' });
    }
  }

  async addServers(): Promise<void> {
    for (const [id, form] of this.#servers) {
      if (this.#heldServers.has(id) || this.#isSettled(this.#appliedServers.get(id))) continue;
      await this.#addServer(id, form, 'added');
    }
  }

  /** Those that go, and those that have changed: all at once, each as soon as its calls in flight have ended. */
  async changeServers(): Promise<void> {
    const changes = [...this.#heldServers].map(async ([id, held]) => {
      const form = this.#servers.get(id);
      if (this.#appliedServers.has(id)) return;
      if (form !== undefined && isDeepStrictEqual(form, held.form)) {
        this.#appliedServers.set(id, { id, change: 'unchanged' });
      } else if (this.#mistakes.general !== undefined) {
        this.#appliedServers.set(id, refused(id, true, new ConfigError(this.#mistakes.general)));
      } else if (form === undefined) {
        await this.#to.servers.remove(id, {});
        this.#heldServers.delete(id);
        this.#appliedServers.set(id, { id, change: 'removed' });
      } else {
        await this.#replaceServer(id, form);
      }
    });
    await Promise.all(changes);
  }

  /** Changed ones are replaced within one turn, so that no call finds none. */
  setGroups(): void {
    for (const [id, form] of this.#groups) {
      if (this.#isSettled(this.#appliedGroups.get(id))) continue;
      const held = this.#heldGroups.get(id);
      if (held !== undefined && isDeepStrictEqual(form, held.form)) {
        this.#appliedGroups.set(id, { id, change: 'unchanged' });
      } else if (held !== undefined && this.#mistakes.ofGroups !== undefined) {
        this.#appliedGroups.set(id, refused(id, true, new ConfigError(this.#mistakes.ofGroups)));
      } else {
        this.#setGroup(id, form, held !== undefined);
      }
    }
  }

  report(): ApplyReport {
    return {
      servers: inOrder([...this.#servers.keys(), ...this.#before.servers], this.#appliedServers),
      groups: inOrder([...this.#groups.keys(), ...this.#before.groups], this.#appliedGroups),
    };
  }

  /** False for what has not been tried yet, and for what may do better in a second try. */
  #isSettled(applied: Applied | undefined): boolean {
    if (applied === undefined) return false;
    return applied.change !== 'refused' || !passing.some((kind) => applied.error instanceof kind);
  }

  async #addServer(id: string, form: ServerForm, change: 'added' | 'replaced'): Promise<void> {
    try {
      if (this.#to.isClosed()) throw new ClosedError('manager');
      const session = await this.#to.servers.add(id, targetOf(form.transport), form.options);
      this.#heldServers.set(id, { session, form });
      this.#appliedServers.set(id, { id, change });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#heldServers.delete(id);
      this.#appliedServers.set(id, refused(id, false, error));
    }
  }

  async #replaceServer(id: string, form: ServerForm): Promise<void> {
    try {
      this.#to.servers.check(id, targetOf(form.transport), form.options);
    } catch (error) {
      if (!(error instanceof InvalidOptionError)) throw error;
      this.#appliedServers.set(id, refused(id, true, error));
      return;
    }
    await this.#to.servers.remove(id, {});
    await this.#addServer(id, form, 'replaced');
  }

  /** A server that this configuration has no longer is there until it is removed. */
  #isLeaving(id: string): boolean {
    return this.#heldServers.has(id) && !this.#servers.has(id) && !this.#appliedServers.has(id);
  }

  #setGroup(id: string, form: GroupSettings, isHeld: boolean): void {
    const { groups } = this.#to;
    try {
      checkId(id);
      groups.check(id, form);
      const leaving = [form.primary, ...form.backups].find((member) => this.#isLeaving(member));
      if (leaving !== undefined) throw new UnknownServerError(leaving, [...this.#servers.keys()]);
      if (isHeld) groups.remove(id);
      this.#heldGroups.set(id, { group: groups.add(id, form), form });
      this.#appliedGroups.set(id, { id, change: isHeld ? 'replaced' : 'added' });
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#appliedGroups.set(id, refused(id, isHeld, error));
    }
  }
}

/** The mistakes of a configuration by what they keep from being known. */
class Mistakes {
  readonly ofServers: ReadonlyMap<string, ConfigProblem>;
  /** One that may concern any server: what is not in the configuration may have been meant to be. */
  readonly general: ConfigProblem | undefined;
  /** One that may concern any group. */
  readonly ofGroups: ConfigProblem | undefined;

  constructor(problems: readonly ConfigProblem[]) {
    this.ofServers = new Map(problems.flatMap((each) => (each.serverId === null ? [] : [[each.serverId, each]])));
    const others = problems.filter(({ serverId }) => serverId === null);
    this.general = others.find(({ field }) => field?.startsWith('holdfast.groups') !== true);
    this.ofGroups = others[0];
  }
}

function refused(id: string, kept: boolean, error: HoldfastError): Applied {
  return { id, change: 'refused', kept, error };
}

function inOrder(ids: readonly string[], applied: ReadonlyMap<string, Applied>): readonly Applied[] {
  return [...new Set([...ids, ...applied.keys()])].flatMap((id) => applied.get(id) ?? []);
}
