import { InvalidOptionError } from '../errors/usage-errors.ts';
import { defaultGroupPolicy, type FailbackMode, type GroupPolicy } from '../machines/group-policy.ts';
import { atLeast, objectValue, sections, text, wholeNumber, type Rule, type Rules } from './option-rules.ts';

/** Servers that can stand in for each other, and when they do. */
export interface ServerGroupConfig {
  /** The server that calls go to while it serves. */
  readonly primary: string;
  /** Those that stand in for it, the most wanted first. */
  readonly backups: readonly string[];
  /** Consecutive failures of the active member, checks or calls, that move the group; default 3. A member that takes no calls is left at once. */
  readonly failoverThreshold?: number | undefined;
  /** `auto`, the default: return by itself to a more wanted member; `manual`: only by `failBack()`; `never`: the same, for those who mean that nobody should. */
  readonly failback?: FailbackMode | undefined;
  /**
   * How long a more wanted member has to be healthy without a break before the group returns to it; default 60 000, ±20 %.
   * It doubles with each further failover, up to 15 minutes, and is halved again by each 10 minutes without one.
   */
  readonly failbackDelayMs?: number | undefined;
  /** The member whose tools are the reference for what the others must offer; default: the most wanted one whose tools are known. */
  readonly catalogFrom?: string | undefined;
}

/** A group as data: a primary, its backups, and a threshold. Immutable. */
export class ServerGroup {
  readonly primary: string;
  readonly backups: readonly string[];
  readonly failoverThreshold: number;

  /** Throws `InvalidOptionError` for ids that are no texts, and for a server that is named twice. */
  constructor(
    primary: string,
    backups: readonly string[] = [],
    failoverThreshold: number = defaultGroupPolicy.failoverThreshold,
  ) {
    checkMembers(primary, backups);
    wholeNumber(1)(failoverThreshold, 'failoverThreshold', undefined);
    this.primary = primary;
    this.backups = Object.freeze([...backups]);
    this.failoverThreshold = failoverThreshold;
    Object.freeze(this);
  }

  /** The same group with another threshold. Throws `InvalidOptionError` for one that is no whole number of at least 1. */
  withFailoverThreshold(threshold: number): ServerGroup {
    return new ServerGroup(this.primary, this.backups, threshold);
  }

  /** The primary, then the backups in their order. */
  allServers(): readonly string[] {
    return [this.primary, ...this.backups];
  }

  /** The server after this one in that order; undefined after the last one and for a server that is no member. */
  nextServer(current: string): string | undefined {
    const all = this.allServers();
    const at = all.indexOf(current);
    return at === -1 ? undefined : all[at + 1];
  }
}

/** A group with every default filled in. */
export interface ResolvedGroup {
  readonly members: readonly string[];
  readonly policy: GroupPolicy;
  readonly catalogFrom: string | undefined;
}

const oneOf =
  (...words: readonly string[]): Rule =>
  (value, field, id) => {
    if (typeof value !== 'string' || !words.includes(value)) {
      throw new InvalidOptionError(field, value, words.map((word) => `"${word}"`).join(' or '), id);
    }
  };

const groupRules: Rules = {
  primary: text,
  backups: (value, field, id) => {
    if (!Array.isArray(value)) throw new InvalidOptionError(field, value, 'a list of server ids', id);
  },
  failoverThreshold: wholeNumber(1),
  failback: oneOf('auto', 'manual', 'never'),
  failbackDelayMs: atLeast(0),
  catalogFrom: text,
};

/** Checks a group and fills in what it leaves open. Throws `InvalidOptionError`. */
export function resolveGroup(group: ServerGroup | ServerGroupConfig, groupId: string): ResolvedGroup {
  objectValue(group, 'group', groupId);
  sections(group, groupRules, '', groupId);
  const config: ServerGroupConfig = group;
  checkMembers(config.primary, config.backups, groupId);
  const members = Object.freeze([config.primary, ...config.backups]);
  const { catalogFrom } = config;
  if (catalogFrom !== undefined && !members.includes(catalogFrom)) {
    throw new InvalidOptionError('catalogFrom', catalogFrom, `one of the members, ${members.join(', ')}`, groupId);
  }
  return {
    members,
    policy: Object.freeze({
      failoverThreshold: config.failoverThreshold ?? defaultGroupPolicy.failoverThreshold,
      failback: config.failback ?? defaultGroupPolicy.failback,
      failbackDelayMs: config.failbackDelayMs ?? defaultGroupPolicy.failbackDelayMs,
    }),
    catalogFrom,
  };
}

function checkMembers(primary: unknown, backups: unknown, groupId?: string): void {
  text(primary, 'primary', groupId);
  if (!Array.isArray(backups)) throw new InvalidOptionError('backups', backups, 'a list of server ids', groupId);
  const seen = new Set<unknown>([primary]);
  for (const [index, backup] of backups.entries()) {
    text(backup, `backups[${index}]`, groupId);
    if (seen.has(backup)) {
      throw new InvalidOptionError(`backups[${index}]`, backup, 'a server that the group does not name twice', groupId);
    }
    seen.add(backup);
  }
}
