import type { ServerResponse } from 'node:http';
import type { ManagerEvent, SessionManager } from '../index.ts';
import { Reader, message } from './reader.ts';
import type { Shown } from './reader.ts';
import type { Overview } from './wire.ts';

/** The pause between two messages to the same reader, in milliseconds: what changes meanwhile is told at once, together. */
const MIN_GAP_MS = 50;
/** How often a comment shows proxies and readers that the stream stands, in milliseconds. */
const HEARTBEAT_MS = 15_000;
/** How long a reader may take nothing while there is something for it, in milliseconds; then its connection is closed. */
const STALL_MS = 60_000;

export interface EventStreamOptions {
  readonly maxReaders: number;
  readonly shown: () => Shown;
  readonly overview: (shown: Shown) => Overview;
}

type StreamedManager = Pick<SessionManager, 'events$' | 'sessions$' | 'groups$'>;

/** Tells any number of readers, up to a limit, how the manager's state changes and what happens. Nothing runs while there is none. */
export class EventStream {
  readonly #manager: StreamedManager;
  readonly #options: EventStreamOptions;
  readonly #connections = new Set<Connection>();
  #stopWatching: (() => void) | null = null;

  constructor(manager: StreamedManager, options: EventStreamOptions) {
    this.#manager = manager;
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#connections.size >= this.#options.maxReaders;
  }

  /** Answers a request with the stream, until the reader goes, stops reading, or `end`. */
  serve(response: ServerResponse): void {
    const shown = this.#options.shown();
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    const connection = new Connection(response, new Reader(shown), this.#options.shown);
    this.#connections.add(connection);
    response.once('close', () => {
      connection.stop();
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#unwatch();
    });
    const overview = this.#options.overview(shown);
    connection.begin(message('snapshot', overview, overview.seq));
    this.#watch();
  }

  /** Has every reader told of what is not the manager's: problems of the configuration, and that the service stops. */
  changed(): void {
    for (const connection of this.#connections) connection.wake();
  }

  /** Tells what is left to tell, and ends every stream. */
  end(): void {
    for (const connection of this.#connections) connection.end();
  }

  #watch(): void {
    if (this.#stopWatching !== null) return;
    const tell = (): void => {
      this.changed();
    };
    const events = this.#manager.events$.subscribe((event: ManagerEvent) => {
      for (const connection of this.#connections) connection.happened(event);
    });
    const sessions = this.#manager.sessions$.subscribe(tell);
    const groups = this.#manager.groups$.subscribe(tell);
    this.#stopWatching = () => {
      events.unsubscribe();
      sessions.unsubscribe();
      groups.unsubscribe();
    };
  }

  #unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
  }
}

/** One reader's connection: never given more than it takes. */
class Connection {
  readonly #response: ServerResponse;
  readonly #reader: Reader;
  readonly #shown: () => Shown;
  readonly #heartbeat: NodeJS.Timeout;
  #gap: NodeJS.Timeout | null = null;
  #stall: NodeJS.Timeout | null = null;
  #hasNews = false;

  constructor(response: ServerResponse, reader: Reader, shown: () => Shown) {
    this.#response = response;
    this.#reader = reader;
    this.#shown = shown;
    this.#heartbeat = setInterval(() => {
      if (this.#stall === null) this.#write(': \n\n');
    }, HEARTBEAT_MS);
    this.#heartbeat.unref();
  }

  begin(text: string): void {
    this.#write(`retry: 1000\n${text}`);
  }

  happened(event: ManagerEvent): void {
    this.#reader.happened(event);
    this.wake();
  }

  wake(): void {
    this.#hasNews = true;
    if (this.#gap !== null || this.#stall !== null) return;
    this.#tell();
  }

  end(): void {
    if (this.#stall === null) this.#tell();
    this.stop();
    // Whoever does not read would keep us from ending.
    if (this.#response.writableNeedDrain) this.#response.destroy();
    else this.#response.end();
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    if (this.#gap !== null) clearTimeout(this.#gap);
    if (this.#stall !== null) clearTimeout(this.#stall);
  }

  #tell(): void {
    this.#hasNews = false;
    const text = this.#reader.next(this.#shown(), Date.now());
    if (text === '') return;
    this.#write(text);
    this.#gap = setTimeout(() => {
      this.#gap = null;
      if (this.#hasNews && this.#stall === null) this.#tell();
    }, MIN_GAP_MS);
  }

  #write(text: string): void {
    if (this.#response.write(text)) return;
    this.#stall = setTimeout(() => {
      this.#response.destroy();
    }, STALL_MS);
    this.#response.once('drain', () => {
      if (this.#stall !== null) clearTimeout(this.#stall);
      this.#stall = null;
      if (this.#hasNews && this.#gap === null) this.#tell();
    });
  }
}
