export { defaultManagerConfig } from './manager/manager-config.ts';
export { SessionManager } from './manager/session-manager.ts';
export { http, webSocket } from './manager/remote-targets.ts';
export { custom, once, stdio } from './manager/targets.ts';
export { ServerGroup } from './manager/server-group.ts';
export { defaultCircuitBreaker, defaultHealthCheck, defaultReconnect, defaultRetry } from './manager/server-options.ts';
export { SecretRegistry } from './secrets/secret-registry.ts';
export { FailoverSchemaMismatchError, GroupUnavailableError, UnknownGroupError } from './errors/group-errors.ts';
export { HoldfastError, isHoldfastError } from './errors/holdfast-error.ts';
export {
  AuthorizationError,
  AuthRequiredError,
  CallAbortedError,
  CallTimeoutError,
  CircuitOpenError,
  ConnectError,
  InvalidResultError,
  NotReadyError,
  OutcomeUnknownError,
  OverloadedError,
  ProtocolError,
  QueueFullError,
  RpcError,
} from './errors/request-errors.ts';
export { ToolChangedError, UnknownToolError } from './errors/tool-errors.ts';
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
  AuthorizationProblem,
  AuthorizationResponse,
  CloseMode,
  Era,
  Link,
  LinkDriver,
  LinkEvent,
  OpenSpec,
  Pending,
  Protocol,
  Progress,
  ServerFacts,
  ServerRequestContext,
  ServerRequestHandlers,
} from './link/link.ts';
export type {
  OAuthClientInformation,
  OAuthClientMetadata,
  OAuthDiscoveryState,
  OAuthProvider,
  OAuthResourceMetadata,
  OAuthServerMetadata,
  OAuthTokens,
  TokenChallenge,
  TokenSource,
} from './link/http/auth-provider.ts';
export type { ListedTool } from './link/tool-hash.ts';
export type {
  AuthProvider,
  CustomTarget,
  HeaderSource,
  HttpTarget,
  OnceTarget,
  StdioTarget,
  Transport,
  WebSocketTarget,
} from './link/target.ts';
export type { CircuitBreakerConfig } from './machines/circuit-policy.ts';
export type { CircuitState, ConnectionState, Phase } from './machines/connection-state.ts';
export type { GroupPhase } from './machines/group-events.ts';
export type { FailbackMode } from './machines/group-policy.ts';
export type { HealthCheckConfig } from './machines/health-policy.ts';
export type { ReconnectConfig } from './machines/reconnect-policy.ts';
export type { RetryConfig } from './machines/retry-policy.ts';
export { targetOf } from './manager/config-forms.ts';
export { describeConfig } from './manager/describe-config.ts';
export type { ShownConfig, ShownServer } from './manager/describe-config.ts';
export type { Applied, ApplyReport } from './manager/apply-report.ts';
export type { CallOptions } from './manager/call-options.ts';
export type { Catalog } from './manager/catalog.ts';
export type { ConnectionInfo, ManagerSnapshot } from './manager/connection-info.ts';
export type {
  InspectedActor,
  InspectedSnapshot,
  InspectionEvent,
  InspectionObserver,
} from './manager/inspection-events.ts';
export type {
  Instrumentation,
  Operation,
  OperationAttempt,
  OperationConnection,
  OperationEnd,
  OperationObserver,
  ServerRequest,
  ServerRequestEnd,
  ServerRequestObserver,
} from './manager/instrumentation.ts';
export type { Group, GroupInfo, MemberInfo } from './manager/group.ts';
export type { Logger } from './manager/logger.ts';
export type { ManagerConfig } from './manager/manager-config.ts';
export type {
  EventStamp,
  GroupEvent,
  GroupFact,
  GroupStamp,
  ManagerEvent,
  RefusedWish,
  SessionEvent,
  SessionFact,
  SessionStamp,
  ShownError,
} from './manager/manager-events.ts';
export type { CatalogTool, ManagerCatalog } from './manager/manager-catalog.ts';
export type { ServerIdentity } from './manager/known-server.ts';
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
  Root,
  ServerLogMessage,
  Tool,
  ToolResult,
} from './manager/results.ts';
export type { HttpOptions, WebSocketOptions } from './manager/remote-targets.ts';
export type { Optional, ServerOptions } from './manager/server-options.ts';
export type { ServerGroupConfig } from './manager/server-group.ts';
export type { CheckRequest, OutputSchema, OutputValidator, UncheckedReason, Verdict } from './validation/validator.ts';
export { TaskError, type TaskProblem } from './errors/task-errors.ts';
export type { TaskOptions } from './manager/session-tasks.ts';
export type { TaskState, TaskStatus } from './manager/task-state.ts';
export type { ToolTask } from './manager/tool-task.ts';
export type { ToolCallUpdate } from './manager/observed-call.ts';
export type { Caller, Session } from './manager/session.ts';
export type { ServerTarget, StdioOptions } from './manager/targets.ts';
export type { ToolChanges } from './manager/tool-trust.ts';
