import type { Fault } from '../fault.ts';
import type { AuthGate } from './auth-gate.ts';
import type { HttpPools } from './http-pools.ts';
import type { StatusContext } from './http-status.ts';
import type { Linger } from './linger.ts';
import type { ReconnectMeter } from './reconnect-meter.ts';
import type { RequestHeaders } from './request-headers.ts';
import type { RpcMessage } from '../rpc-message.ts';

/** What every request of one transport stands on. Nothing here throws. */
export interface HttpHost {
  readonly pools: HttpPools;
  readonly headers: RequestHeaders;
  readonly gate: AuthGate;
  readonly linger: Linger;
  readonly meter: ReconnectMeter;
  /** Path and query of the server's address. */
  readonly path: string;
  /** For messages: it holds neither credentials nor a query. */
  readonly origin: string;
  readonly maxMessageBytes: number;
  readonly context: StatusContext;
  /** A message of the server's: settles the request that it answers, and hands it on. */
  deliver(message: RpcMessage): void;
  /** Something is wrong, but the transport still stands. */
  report(fault: Fault): void;
  /** A callback that was given with a message threw. */
  reportThrown(error: unknown): void;
}
