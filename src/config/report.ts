import type { ConfigProblem } from '../errors/config-error.ts';
import type { JsonMember, JsonObject, Place } from './document-value.ts';
import { quoted } from './printable.ts';

/** Something in a configuration file that its owner may want to know, but that keeps nothing from starting. */
export interface ConfigWarning {
  /** `info`: nothing is missing by it. `warning`: the file asks for something that will not happen. */
  readonly level: 'info' | 'warning';
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
  /** Path of the field, e.g. `mcpServers.files.autoApprove`; null when the file as a whole is meant. */
  readonly field: string | null;
  /** The server that it is about; null when it is about none. */
  readonly serverId: string | null;
  /** What was noticed. Never quotes a value. */
  readonly message: string;
}

/** Collects what is wrong, and what is remarkable, about one file or about one server of it. */
export class Report {
  readonly file: string;
  readonly serverId: string | null;
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigWarning[] = [];

  constructor(file: string, serverId: string | null = null) {
    this.file = file;
    this.serverId = serverId;
  }

  problem(place: Place, problem: string, fix: string): void {
    this.problems.push({ ...this.#locate(place), problem, fix });
  }

  warn(level: ConfigWarning['level'], place: Place, message: string): void {
    this.warnings.push({ level, ...this.#locate(place), message });
  }

  /** Takes over everything that was reported to `part`. */
  add(part: Report): void {
    // One by one: of a whole file's worth as the arguments of one call, the stack overflows.
    for (const problem of part.problems) this.problems.push(problem);
    for (const warning of part.warnings) this.warnings.push(warning);
  }

  /** Takes over everything that was reported to `part`, problems as information: nothing is missed by them. */
  addAsInformation(part: Report): void {
    for (const warning of part.warnings) this.warnings.push(warning);
    for (const { problem, fix, ...where } of part.problems) {
      this.warnings.push({ level: 'info', ...where, message: `disabled: ${problem}; ${fix}` });
    }
  }

  #locate({ at, path }: Place): Omit<ConfigProblem, 'problem' | 'fix'> {
    return {
      file: this.file,
      line: at.line,
      column: at.column,
      field: path === '' ? null : path,
      serverId: this.serverId,
    };
  }
}

/** The members of an object by name. A repeated name is a problem, and its first value stands. */
export function membersOf(object: JsonObject, report: Report): ReadonlyMap<string, JsonMember> {
  const members = new Map<string, JsonMember>();
  for (const member of object.members) {
    const first = members.get(member.name);
    if (first === undefined) members.set(member.name, member);
    else
      report.problem(
        member,
        `${quoted(member.name)} is given twice, first on line ${first.at.line}`,
        'remove one of the two',
      );
  }
  return members;
}
