import { laidOver } from '../config/laid-over.ts';
import type { GroupSettings, LoadedConfig, TransportSpec } from '../config/index.ts';
import { InvalidOptionError } from '../errors/usage-errors.ts';
import { hiddenObject } from './option-rules.ts';
import type { ServerOptions } from './server-options.ts';
import type { ServerTarget } from './targets.ts';

/** A server as a configuration wants it. Two that are equal in every part are held the same way. */
export interface ServerForm {
  readonly transport: TransportSpec;
  readonly options: ServerOptions;
}

/** Every server that the configuration enables, its own options laid over the defaults of the configuration. */
export function serverForms({ servers, settings }: LoadedConfig): ReadonlyMap<string, ServerForm> {
  return new Map(
    servers
      .filter(({ enabled }) => enabled)
      .map(({ id, transport, options }) => [
        id,
        { transport, options: { ...laidOver(settings.defaults, options), waitForReady: false } },
      ]),
  );
}

export function groupForms({ groups }: LoadedConfig): ReadonlyMap<string, GroupSettings> {
  return new Map(groups.map(({ id, config }) => [id, config]));
}

/** Throws `InvalidOptionError` for what `loadConfig` cannot have resolved to. */
export function checkLoadedConfig(config: LoadedConfig): void {
  hiddenObject(config, 'config', undefined);
  for (const name of ['servers', 'groups', 'problems'] as const) {
    if (!Array.isArray(config[name]))
      throw new InvalidOptionError(`config.${name}`, config[name], 'a list, as loadConfig makes it', undefined, true);
  }
  hiddenObject(config.settings, 'config.settings', undefined);
}

/** The target of a server of a configuration, for `addServer`, which checks it. Throws nothing. */
export function targetOf(transport: TransportSpec): ServerTarget {
  return transport.kind === 'http' ? { ...transport, auth: undefined } : { ...transport };
}
