import type { TransportSpec } from '../../config/index.ts';
import type { Step } from './steps.ts';

/** What a server turned out to be, as far as that was found. */
export interface ServerFindings {
  readonly server: { readonly name: string; readonly version: string } | null;
  readonly protocolVersion: string | null;
  readonly era: 'legacy' | 'modern' | null;
  readonly tools: readonly string[] | null;
  readonly resources: number | null;
  readonly prompts: number | null;
}

/** What was found of one server. */
export interface ServerReport extends ServerFindings {
  readonly id: string;
  /** Null where the configuration keeps it out. */
  readonly transport: TransportSpec['kind'] | null;
  readonly status: 'ok' | 'failed';
  readonly steps: readonly Step[];
}

/** What a report says where nothing was found out. */
export const nothingFound: ServerFindings = {
  server: null,
  protocolVersion: null,
  era: null,
  tools: null,
  resources: null,
  prompts: null,
};
