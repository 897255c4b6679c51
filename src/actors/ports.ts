/**
 * The seams to the world outside: time, chance, connections and the permission to make them.
 * Nothing under `machines/`, `actors/` and `manager/` reaches the world in any other way.
 */
import type { LinkDriver } from '../link/link.ts';
import type { LinkTarget } from '../link/target.ts';

/** A handle from `Clock.setTimeout`; opaque. */
export type TimerId = unknown;

/** Time. All durations are milliseconds. */
export interface Clock {
  /** Milliseconds since the epoch; may jump. For showing, never for measuring. */
  wall(): number;
  /** Milliseconds since some fixed moment; never goes back. For measuring. */
  monotonic(): number;
  /** Delays beyond 2 147 483 647 ms are clamped to it. */
  setTimeout(callback: () => void, delayMs: number): TimerId;
  clearTimeout(id: TimerId): void;
  /** Runs the callback after the I/O that is already waiting has been read: one turn of the event loop. */
  nextMacrotask(callback: () => void): void;
  /** The worst lateness in milliseconds with which this process's timers fired in the last few seconds. */
  loopLag(): number;
}

/** A number in [0, 1). */
export type Random = () => number;

/** The permission for one connection attempt. */
export interface ConnectPermit {
  /** Gives the permission back, when the attempt has succeeded or failed. Repeats do nothing. */
  release(): void;
}

/** Spaces connection attempts out, so that hundreds of servers that fail together do not reconnect together. */
export interface ConnectLimiter {
  /**
   * Queues for a permit; `granted` is called once, possibly before this returns.
   * The returned function leaves the queue, and does nothing once the permit was granted.
   */
  request(ask: { readonly origin: string | null }, granted: (permit: ConnectPermit) => void): () => void;
}

/** Picks the driver for a target. Must not throw; it is asked on every attempt. */
export type LinkPort = (target: LinkTarget) => LinkDriver;
