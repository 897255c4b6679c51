export { startService, defaultServicePort } from './start-service.ts';
export type { Service, ServiceOptions } from './start-service.ts';
export { ServiceError } from '../listening/service-error.ts';
export type { Asset } from './service-app.ts';
export type {
  CallAnswer,
  CallRequest,
  Changes,
  Charts,
  GroupDetail,
  Happened,
  Missed,
  Overview,
  Refusal,
  Schema,
  SessionDetail,
  ToolList,
  WireProblem,
} from './wire.ts';
