import type { AuthProvider } from './http/auth-provider.ts';

export type {
  AuthProvider,
  OAuthClientInformation,
  OAuthClientMetadata,
  OAuthDiscoveryState,
  OAuthProvider,
  OAuthTokens,
} from './http/auth-provider.ts';

/** A message transport in the shape that both MCP SDKs use: what `custom` factories return. */
export interface Transport {
  start(): Promise<void>;
  send(message: never, options?: never): Promise<void>;
  close(): Promise<void>;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  onmessage?: ((message: never, extra?: never) => void) | undefined;
}

/** A server that is started as a child process and spoken to over its stdin and stdout. */
export interface StdioTarget {
  readonly kind: 'stdio';
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  /** Added to the inherited environment; null or undefined removes a variable. */
  readonly env: Readonly<Record<string, string | null | undefined>>;
  /** True: the child inherits our whole environment. False: only HOME, LOGNAME, PATH, SHELL, TERM and USER. */
  readonly inheritEnv: boolean;
}

/** A server behind a transport of the caller's own; the factory is asked once per attempt. */
export interface CustomTarget {
  readonly kind: 'custom';
  readonly factory: () => Transport | Promise<Transport>;
}

/** A server behind one ready transport: it connects once and is never reconnected. */
export interface OnceTarget {
  readonly kind: 'once';
  readonly transport: Transport;
}

/**
 * The headers of every request: fixed ones, or a function that is asked before each request, so that what it reads (a token,
 * a trace id) is always the latest. What it throws fails that request, unsent, and nothing else.
 */
export type HeaderSource =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

/** A server behind HTTP. */
export interface HttpTarget {
  readonly kind: 'http';
  /** Absolute, http: or https:, without credentials in it. */
  readonly url: string;
  readonly headers: HeaderSource;
  /** `auto`: Streamable HTTP, and the older HTTP+SSE transport where the server refuses that. */
  readonly mode: 'auto' | 'streamable-http' | 'sse';
  readonly auth: AuthProvider | undefined;
  /** An authorisation may go to private addresses although the server is not at one. Default false. */
  readonly allowsPrivateAddresses?: boolean | undefined;
  /** Told of every token before it is used, by whoever has to keep tokens out of what is shown. Must not throw. */
  readonly onToken?: ((token: string) => void) | undefined;
}

/** A server behind a WebSocket, with the subprotocol `mcp`. */
export interface WebSocketTarget {
  readonly kind: 'webSocket';
  /** Absolute, ws: or wss:, without credentials in it. */
  readonly url: string;
  readonly headers: HeaderSource;
}

export type LinkTarget = StdioTarget | HttpTarget | WebSocketTarget | CustomTarget | OnceTarget;
