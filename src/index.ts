export { defaultManagerConfig } from './manager/manager-config.ts';
export { SessionManager } from './manager/session-manager.ts';
export { custom, once, stdio } from './manager/targets.ts';
export { defaultHealthCheck, defaultReconnect } from './manager/server-options.ts';
export { HoldfastError, isHoldfastError } from './errors/holdfast-error.ts';
export {
  CallAbortedError,
  CallTimeoutError,
  ConnectError,
  NotReadyError,
  OutcomeUnknownError,
  OverloadedError,
  ProtocolError,
  RpcError,
} from './errors/request-errors.ts';
export {
  ClosedError,
  DuplicateServerError,
  InvalidOptionError,
  SessionLimitError,
  UnknownServerError,
} from './errors/usage-errors.ts';

export type { Clock, ConnectLimiter, ConnectPermit, LinkPort, Random, TimerId } from './actors/ports.ts';
export type { Outcome } from './errors/holdfast-error.ts';
export type { Fault, FaultKind } from './link/fault.ts';
export type {
  CloseMode,
  Era,
  Link,
  LinkDriver,
  LinkEvent,
  OpenSpec,
  Progress,
  ServerFacts,
  ServerRequestHandlers,
} from './link/link.ts';
export type { ListedTool } from './link/tool-hash.ts';
export type { CustomTarget, OnceTarget, StdioTarget, Transport } from './link/target.ts';
export type { CircuitState, ConnectionState, Phase } from './machines/connection-state.ts';
export type { HealthCheckConfig } from './machines/health-policy.ts';
export type { ReconnectConfig } from './machines/reconnect-policy.ts';
export type { CallOptions } from './manager/call-options.ts';
export type { Catalog } from './manager/catalog.ts';
export type { ConnectionInfo, ManagerSnapshot } from './manager/connection-info.ts';
export type { Logger } from './manager/logger.ts';
export type { ManagerConfig } from './manager/manager-config.ts';
export type { EventStamp, ManagerEvent, SessionEvent, SessionFact, ShownError } from './manager/manager-events.ts';
export type { ManagerPorts } from './manager/ports.ts';
export type {
  Completion,
  Content,
  LogLevel,
  Prompt,
  PromptResult,
  Resource,
  ResourceContent,
  ResourceContents,
  ResourceTemplate,
  Tool,
  ToolResult,
} from './manager/results.ts';
export type { Optional, ServerOptions } from './manager/server-options.ts';
export type { Caller, Session } from './manager/session.ts';
export type { ServerTarget, StdioOptions } from './manager/targets.ts';
