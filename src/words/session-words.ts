import type { ConnectionInfo, ConnectionState, Phase } from '../index.ts';

const details: Readonly<Record<Phase, string | undefined>> = {
  idle: 'idle',
  'connecting.waiting': 'waiting',
  'connecting.opening': 'opening',
  'connecting.verifying': 'verifying',
  'connecting.hydrating': 'hydrating',
  'connected.healthy': undefined,
  'connected.degraded': undefined,
  'connected.unhealthy': undefined,
  releasing: 'releasing',
  'disconnected.backingOff': 'backing off',
  'disconnected.parked.auth': 'needs auth',
  'disconnected.parked.config': 'bad config',
  'disconnected.parked.crashLoop': 'crash loop',
  'disconnected.parked.incompatible': 'incompatible',
  'disconnected.stopped': 'stopped',
  draining: 'draining',
  closed: undefined,
};

/** The state in one word; `closed` for a server that was let go on purpose. */
export function stateWord({ state, phase }: ConnectionInfo): ConnectionState | 'closed' {
  return phase === 'closed' ? 'closed' : state;
}

/** The state, and what of it exactly: `connecting (verifying)`. At most 27 columns. */
export function stateWords(info: ConnectionInfo): string {
  const detail = details[info.phase] ?? (info.circuit === 'closed' ? undefined : 'circuit open');
  return detail === undefined ? stateWord(info) : `${info.state} (${detail})`;
}

/** A latency: `0.4 ms`, `12 ms`. */
export function latencyWords(ms: number): string {
  return `${ms < 9.95 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** A time to come: `in 3.2 s`, `in 45 s`, `in 4m59s`, `in 2h05m`; `now` when it has come. */
export function countdownWords(ms: number): string {
  if (ms <= 0) return 'now';
  return `in ${durationWords(ms)}`;
}

/** A duration: `3.2 s`, `45 s`, `4m59s`, `2h05m`. */
export function durationWords(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${twoDigits(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h${twoDigits(minutes % 60)}m`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
