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

export type LinkTarget = StdioTarget | CustomTarget | OnceTarget;
