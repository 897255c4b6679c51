/** The tables of `spec/`, read and checked. `spec/README.md` says what they mean. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import type { CircuitState, ConnectionState, Phase } from '../../src/machines/connection-state.ts';
import type { Fault } from '../../src/link/fault.ts';
import type { GroupPhase } from '../../src/machines/group-events.ts';
import type { GroupPolicy, MemberView } from '../../src/machines/group-policy.ts';
import type { SessionMemory } from '../../src/machines/session-context.ts';
import type { BenchOptions } from '../machines/session-bench.ts';

interface Told {
  /** What is told outward in this step, in order; left out: nothing. */
  readonly emitted?: readonly unknown[];
  /** What the world is asked for in this step, in order; left out: nothing. */
  readonly orders?: readonly string[];
}

/** What is left out is as it was after the step before. */
export interface SessionExpect extends Told {
  readonly state?: ConnectionState;
  readonly phase?: Phase;
  readonly generation?: number;
  readonly attempt?: number;
  readonly nextAttempt?: number | null;
  readonly circuit?: CircuitState;
  readonly staleEvents?: number;
}

export interface GroupExpect extends Told {
  readonly phase?: GroupPhase | 'removed';
  readonly active?: string;
  readonly nextFailback?: number | null;
}

export interface SessionEventRow {
  readonly type: string;
  readonly generation?: number;
  readonly fault?: Fault;
  readonly offersTools?: boolean;
  readonly retryAfterMs?: number | null;
}

export interface GroupEventRow {
  readonly type: string;
}

export interface Step<Event, Expect> {
  /** Milliseconds since the case began; or `after`, since the step before. */
  readonly at?: number;
  readonly after?: number;
  readonly event?: Event;
  readonly expect: Expect;
}

interface Case<Event, Expect> {
  readonly name: string;
  /** What chance says each time; default 0.5. */
  readonly random?: number;
  readonly starts?: Expect;
  readonly steps: readonly (Step<Event, Expect> | readonly Step<Event, Expect>[])[];
}

export interface SessionCase extends Case<SessionEventRow, SessionExpect> {
  readonly policy?: BenchOptions['policy'] & Pick<BenchOptions, 'healthCheck' | 'reconnect' | 'circuitBreaker'>;
  readonly memory?: Partial<SessionMemory>;
}

export interface GroupCase extends Case<GroupEventRow, GroupExpect> {
  readonly policy?: Partial<GroupPolicy>;
  readonly members: readonly MemberView[];
}

export type SpecTable =
  | { readonly machine: 'session'; readonly area: string; readonly cases: readonly SessionCase[] }
  | { readonly machine: 'group'; readonly area: string; readonly cases: readonly GroupCase[] };

export const specFolder = join(import.meta.dirname, '..', '..', 'spec');

const schema: object = JSON.parse(readFileSync(join(specFolder, 'schema.json'), 'utf8'));
const ajv = new Ajv({ discriminator: true, allErrors: true, allowUnionTypes: true, strictRequired: false });
const validate = ajv.compile<SpecTable>(schema);

/** Throws when the text is not YAML or not of the schema's shape; `name` is the file's, for the message. */
export function readTable(name: string, text: string): SpecTable {
  const data: unknown = parse(text, { maxAliasCount: -1 });
  if (!validate(data)) throw new Error(`${name}: ${ajv.errorsText(validate.errors, { separator: '\n' })}`);
  const names = data.cases.map((each) => each.name);
  const twice = names.find((each, index) => names.indexOf(each) !== index);
  if (twice !== undefined) throw new Error(`${name}: two cases are called "${twice}"`);
  return data;
}

/** Every table of `spec/`, by its file's name. */
export function readTables(): readonly (readonly [string, SpecTable])[] {
  return readdirSync(specFolder)
    .filter((file) => file.endsWith('.yml'))
    .toSorted()
    .map((file) => [file, readTable(file, readFileSync(join(specFolder, file), 'utf8'))] as const);
}

/** The steps of a case, those of its shared lists among them. */
export function stepsOf<Event, Expect>({ steps }: Case<Event, Expect>): readonly Step<Event, Expect>[] {
  return steps.flatMap((each): readonly Step<Event, Expect>[] => ('expect' in each ? [each] : each));
}
