export type { DialectName } from './dialects.ts';
export { ConfigError, formatConfigProblem } from '../errors/config-error.ts';
export type { ConfigProblem } from '../errors/config-error.ts';
export type { GroupSettings, GroupSpec } from './group-spec.ts';
export type { ManagerSettings } from './holdfast-settings.ts';
export { findConfigFile } from './find-config.ts';
export { findInstalledConfigs } from './installed-configs.ts';
export type { InstalledConfig, InstalledConfigsOptions } from './installed-configs.ts';
export { readListenAddress } from './listen-address.ts';
export type { ListenAddress } from './listen-address.ts';
export { loadConfig } from './load-config.ts';
export type { LoadConfigOptions, LoadedConfig } from './load-config.ts';
export { watchConfig } from './watch-config.ts';
export type { ConfigWatcher, StopWatching, WatchConfigOptions } from './watch-config.ts';
export type { ConfigWarning } from './report.ts';
export type {
  CircuitBreakerSettings,
  HealthCheckSettings,
  ReconnectSettings,
  RetrySettings,
  ServerSettings,
  ToolSettings,
} from './server-settings.ts';
export type { HttpSpec, ServerSpec, StdioSpec, TransportSpec, WebSocketSpec } from './server-spec.ts';
export { configSchema } from './settings-schema.ts';
export type { JsonSchema } from './settings-schema.ts';
