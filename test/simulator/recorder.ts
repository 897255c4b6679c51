import { createHash } from 'node:crypto';
import type { SimulatedServer, VirtualClock } from '../../src/testing/index.ts';
import type { Entry, Seen } from './history.ts';

/** Writes the history of a run down. */
export class Recorder {
  readonly entries: Entry[] = [];
  /** Told of each line of the trace as it is written. */
  onLine: ((line: string) => void) | undefined;
  readonly #clock: VirtualClock;
  readonly #servers: () => readonly SimulatedServer[];
  readonly #read = new Map<string, number>();
  readonly #hash = createHash('sha256');

  constructor(clock: VirtualClock, servers: () => readonly SimulatedServer[]) {
    this.#clock = clock;
    this.#servers = servers;
  }

  note(seen: Seen): void {
    this.#noteExecutions();
    this.#append(seen);
  }

  /** The hash over every event, every call's end and every execution, each with its time. */
  get traceHash(): string {
    this.#noteExecutions();
    return this.#hash.copy().digest('hex').slice(0, 16);
  }

  #noteExecutions(): void {
    for (const { id, executed } of this.#servers()) {
      const read = this.#read.get(id) ?? 0;
      if (executed.length === read) continue;
      this.#read.set(id, executed.length);
      for (const { generation, args } of executed.slice(read)) {
        this.#append({ kind: 'executed', serverId: id, generation, key: keyOf(args) });
      }
    }
  }

  #append(seen: Seen): void {
    const entry: Entry = Object.assign(seen, { atMs: this.#clock.monotonic() });
    this.entries.push(entry);
    const line = lineOf(entry);
    if (line === undefined) return;
    this.#hash.update(`${line}\n`);
    this.onLine?.(line);
  }
}

/** The key among the arguments of a call. */
export function keyOf(args: unknown): string {
  const key = typeof args === 'object' && args !== null && 'key' in args ? args.key : undefined;
  return typeof key === 'string' ? key : '';
}

/** The line of the trace that an entry is; undefined for what is only there for the invariants. */
function lineOf(entry: Entry): string | undefined {
  const at = entry.atMs.toFixed(3);
  switch (entry.kind) {
    case 'event':
      return `${at} ${JSON.stringify(entry.event)}`;
    case 'ended':
      return `${at} ended ${entry.key} ${entry.end.ok ? 'ok' : `${entry.end.code} ${entry.end.outcome}`}`;
    case 'executed':
      return `${at} executed ${entry.serverId} ${entry.generation} ${entry.key}`;
    case 'fault':
      return `${at} fault ${entry.name} ${entry.on ? 'begins' : 'ends'}: ${entry.servers.join(' ')}`;
    case 'stalled':
    case 'jumped':
      return `${at} ${entry.kind} ${entry.ms}`;
    case 'uncaught':
      return `${at} uncaught ${entry.text}`;
    case 'calm':
    case 'stop':
      return `${at} ${entry.kind}`;
    default:
      return undefined;
  }
}
