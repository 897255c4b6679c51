import type { ConfigProblem, LoadedConfig, ServerSpec } from '../../config/index.ts';

/** A server that is to be looked at, or one that the configuration itself keeps out. */
export type Patient =
  | { readonly id: string; readonly spec: ServerSpec }
  | { readonly id: string; readonly problems: readonly ConfigProblem[] };

/** What there is to be looked at. */
export interface DoctorPlan {
  /** In the order of the files. */
  readonly patients: readonly Patient[];
  /** What is wrong with no one server of these: with a group, or with the file. */
  readonly problems: readonly ConfigProblem[];
}

/** The enabled servers of a configuration and those that it refuses, or that one of them; a text says why it cannot be looked at. */
export function doctorPlan(config: LoadedConfig, only: string | undefined): DoctorPlan | string {
  const all = patientsOf(config);
  if (only === undefined) {
    const problems = config.problems.filter(({ serverId }) => !all.some(({ id }) => id === serverId));
    if (all.length > 0) return { patients: all, problems };
    const disabled = config.servers.length === 0 ? '' : ` (disabled: ${config.servers.length})`;
    return `${config.file}: there is no server to look at${disabled}`;
  }
  const patients = all.filter(({ id }) => id === only);
  if (patients.length > 0) return { patients, problems: [] };
  const isDisabled = config.servers.some(({ id }) => id === only);
  const name = JSON.stringify(only);
  return `${config.file}: ${isDisabled ? `the server ${name} is disabled` : `there is no server ${name} in it`}`;
}

function patientsOf({ files, servers, problems }: LoadedConfig): readonly Patient[] {
  const refused = new Map<string, readonly ConfigProblem[]>();
  for (const problem of problems) {
    const { serverId } = problem;
    if (serverId !== null) refused.set(serverId, [...(refused.get(serverId) ?? []), problem]);
  }
  const placed = [
    ...servers
      .filter(({ enabled }) => enabled)
      .map((spec) => ({ at: spec.source, patient: { id: spec.id, spec } satisfies Patient })),
    ...[...refused].flatMap(([id, all]) =>
      all.slice(0, 1).map((first) => ({ at: first, patient: { id, problems: all } satisfies Patient })),
    ),
  ];
  return placed
    .toSorted(
      ({ at: a }, { at: b }) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    )
    .map(({ patient }): Patient => patient);
}
