import type { Fault } from '../link/fault.ts';
import type { LinkLease } from './link-lease.ts';
import type { ToolList } from './list-tools.ts';
import type { ConnectPermit } from './ports.ts';

/** A server's own record, as the actors that do its I/O see it. None of these may throw. */
export interface SessionIo {
  readonly id: string;
  readonly lease: LinkLease;
  /** What the connect limiter counts by; null when no origin is shared. */
  readonly origin: string | null;
  readonly probeTimeoutMs: number;
  /** Keeps the permit until the attempt is over. */
  holdPermit(permit: ConnectPermit): void;
  readonly meanLatencyMs: number;
  /** Adds a latency to the mean and returns the mean. */
  noteLatency(ms: number): number;
  /** The tools that a generation offers, each time that they are listed; null when that failed. */
  noteTools(generation: number, tools: ToolList): void;
  /** How many people the server waits for at the moment. */
  noteAsking(generation: number, people: number): void;
  noteNotification(generation: number, method: string, params: unknown): void;
  noteStderr(generation: number, line: string): void;
  noteFault(generation: number, fault: Fault): void;
}

/** Finds a server's record; undefined once it was removed. */
export type FindSession = (id: string) => SessionIo | undefined;
