import type { ServerSpec } from '../../config/index.ts';
import type { ServerOptions } from '../../index.ts';

/** How long a server may take, and what to raise where that is too short. */
export interface Limits {
  readonly connectMs: number;
  readonly connectFrom: string;
  readonly callMs: number;
  readonly callFrom: string;
}

/** What the configuration allows a server, unless the command allows it less. */
export function limitsOf(
  { id, transport, options }: ServerSpec,
  defaults: ServerOptions,
  timeoutMs: number | undefined,
): Limits {
  const ofKind = transport.kind === 'stdio' ? 60_000 : 30_000;
  const connect = options.connectTimeoutMs ?? defaults.connectTimeoutMs ?? ofKind;
  const call = options.callTimeoutMs ?? defaults.callTimeoutMs ?? 60_000;
  const most = timeoutMs ?? Infinity;
  const setting = (name: string): string => `holdfast.servers.${id}.${name}`;
  return {
    connectMs: Math.min(connect, most),
    connectFrom: most < connect ? '--timeout' : setting('connectTimeoutMs'),
    callMs: Math.min(call, most),
    callFrom: most < call ? '--timeout' : setting('callTimeoutMs'),
  };
}
