import type { GroupSpec, LoadedConfig, ServerSpec, TransportSpec } from '../config/index.ts';
import { SecretRegistry } from '../secrets/secret-registry.ts';
import { checkLoadedConfig, targetOf } from './config-forms.ts';
import { holdSecrets } from './server-secrets.ts';

/** A server as it can be shown: values of variables and headers are `[redacted]`, and so is what is secret elsewhere. */
export type ShownServer = Omit<ServerSpec, 'transport'> & {
  readonly transport: Readonly<Record<string, unknown>> & { readonly kind: TransportSpec['kind'] };
};

/** A configuration as it can be shown: JSON-serialisable, without secrets. */
export interface ShownConfig {
  readonly file: string;
  readonly files: readonly string[];
  readonly dialect: LoadedConfig['dialect'];
  readonly servers: readonly ShownServer[];
  readonly groups: readonly GroupSpec[];
  readonly settings: LoadedConfig['settings'];
}

/** What a configuration comes to, for people to look at. Throws `InvalidOptionError` for what is no configuration. */
export function describeConfig(config: LoadedConfig): ShownConfig {
  checkLoadedConfig(config);
  const secrets = new SecretRegistry();
  for (const { transport } of config.servers) holdSecrets(targetOf(transport), secrets);
  const { file, files, dialect, groups, settings } = config;
  return {
    file,
    files,
    dialect,
    servers: config.servers.map((spec) => ({ ...spec, transport: shown(spec.transport, secrets) })),
    groups,
    settings,
  };
}

function shown(transport: TransportSpec, secrets: SecretRegistry): ShownServer['transport'] {
  if (transport.kind !== 'stdio') {
    return { ...transport, url: secrets.scrub(transport.url), headers: redacted(transport.headers) };
  }
  const { command, args, env } = transport;
  return {
    ...transport,
    command: secrets.scrub(command),
    args: args.map((arg) => secrets.scrub(arg)),
    env: redacted(env),
  };
}

/** Null says that a variable is removed, and hides nothing. */
function redacted(values: Readonly<Record<string, string | null>>): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value === null ? null : '[redacted]']),
  );
}
