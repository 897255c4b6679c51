import type { CallOptions } from './call-options.ts';

/** What is asked of a server. */
export interface Call<Result> {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>> | undefined;
  readonly options: CallOptions;
  /** The tool's name, for messages and for what depends on the tool. */
  readonly tool?: string | undefined;
  /** What the answer must be; one that is not is a `ProtocolError`. */
  readonly isResult: (result: Record<string, unknown>) => result is Record<string, unknown> & Result;
  /** The one server that can answer it: the next page of a list comes from where the last one came from. */
  readonly on?: string | undefined;
  /** A check by hand: it waits for no turn, and is never repeated. */
  readonly isCheck?: boolean | undefined;
}

/** What came of a call, and where it ran. */
export interface Served<Result> {
  readonly result: Result;
  readonly serverId: string;
  readonly generation: number;
}
