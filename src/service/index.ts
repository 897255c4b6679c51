export { startService, defaultServicePort } from './start-service.ts';
export type { Service, ServiceOptions } from './start-service.ts';
export { ServiceError } from '../listening/service-error.ts';
export type { Asset, LogSource } from './service-app.ts';
export type {
  CallAnswer,
  CallRequest,
  Changes,
  Charts,
  GroupDetail,
  Happened,
  LogLine,
  LogPage,
  Missed,
  Overview,
  Refusal,
  Schema,
  SessionDetail,
  ToolList,
  WireProblem,
} from './wire.ts';
