import type { ServerSettings } from './server-settings.ts';

/** A server that is started as a child process, every variable expanded. */
export interface StdioSpec {
  readonly kind: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  /** Absolute. The folder of the project unless the entry names another. */
  readonly cwd: string | undefined;
  /** Added to the inherited environment; null removes a variable. Values of `env` win over those of `envFile`. */
  readonly env: Readonly<Record<string, string | null>>;
  /** False, the default: only HOME, LOGNAME, PATH, SHELL, TERM and USER are inherited. */
  readonly inheritEnv: boolean;
}

/** A server behind HTTP, every variable expanded. */
export interface HttpSpec {
  readonly kind: 'http';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `auto`: Streamable HTTP, and SSE where the server refuses that. */
  readonly mode: 'auto' | 'streamable-http' | 'sse';
}

/** A server behind a WebSocket, every variable expanded. */
export interface WebSocketSpec {
  readonly kind: 'webSocket';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** How to reach a server. Holds resolved secrets: never to be logged or shown as it is. */
export type TransportSpec = StdioSpec | HttpSpec | WebSocketSpec;

/** One server of a configuration file, whatever the dialect it was written in. */
export interface ServerSpec {
  readonly id: string;
  /** Where the entry begins. */
  readonly source: { readonly file: string; readonly line: number; readonly column: number };
  /** False for `"disabled": true` or `"enabled": false`. */
  readonly enabled: boolean;
  readonly transport: TransportSpec;
  /** What `holdfast.servers` says of this server alone; `holdfast.defaults` is not mixed in. */
  readonly options: ServerSettings;
}
