/** Of one group. Only what the file says is present. */
export interface GroupSettings {
  /** The server that calls go to while it serves. */
  readonly primary: string;
  /** Those that stand in for it, the most wanted first; at least one. Servers that the file disables are left out. */
  readonly backups: readonly string[];
  readonly failoverThreshold?: number;
  readonly failback?: 'auto' | 'manual' | 'never';
  readonly failbackDelayMs?: number;
  /** The member whose tools are the reference. */
  readonly catalogFrom?: string;
}

/** One failover group of a configuration file. Each of its members is an enabled server of `LoadedConfig.servers`. */
export interface GroupSpec {
  readonly id: string;
  /** Where the entry begins. */
  readonly source: { readonly file: string; readonly line: number; readonly column: number };
  readonly config: GroupSettings;
}
