import { ConfigError } from '../errors/config-error.ts';
import { kindOf } from './json-document.ts';
import type { JsonMember, JsonObject, JsonValue } from './json-document.ts';
import { nearestName } from './nearest-name.ts';
import { quoted } from './printable.ts';
import type { Report } from './report.ts';

/** How one family of hosts writes its servers down. */
export interface Dialect {
  /** The top-level key that holds the servers by id. */
  readonly container: string;
  /** What `"type": "http"` means there. VS Code tries Streamable HTTP and falls back to SSE. */
  readonly httpMode: 'auto' | 'streamable-http';
  /** How variables are written: `${VAR}` and its like, or `{env:VAR}`. Default `dollar`. */
  readonly variables?: 'dollar' | 'braces';
  /** `command` holds the arguments too, as a list. Default false. */
  readonly commandIsList?: boolean;
  /** Others have a key of that name which holds no servers: without servers of its own it is left alone. Default false. */
  readonly isShared?: boolean;
}

/** In the order in which they are looked for. */
const dialects: readonly Dialect[] = [
  { container: 'mcpServers', httpMode: 'streamable-http' },
  { container: 'servers', httpMode: 'auto' },
  { container: 'context_servers', httpMode: 'auto' },
  { container: 'mcp', httpMode: 'auto', variables: 'braces', commandIsList: true, isShared: true },
];

/** The top-level members of a file that matter to holdfast. */
export interface Document {
  readonly dialect: Dialect;
  readonly container: JsonObject;
  readonly inputs: JsonMember | undefined;
  readonly holdfast: JsonMember | undefined;
}

/** Finds the servers in a parsed file; throws `ConfigError` when there is no container of a known dialect. */
export function recogniseDocument(root: JsonValue, report: Report): Document {
  const refuse = (at: JsonMember | JsonValue, problem: string, fix: string): ConfigError =>
    new ConfigError({
      file: report.file,
      ...at.at,
      field: at.path === '' ? null : at.path,
      serverId: null,
      problem,
      fix,
    });

  if (root.type !== 'object') {
    throw refuse(root, `the file must hold an object, but it holds ${kindOf(root)}`, 'write { "mcpServers": { … } }');
  }
  const members = new Map<string, JsonMember>();
  const containers = dialects.map(({ container }) => container);
  const ours = new Set([...containers, 'inputs', 'holdfast']);
  for (const member of root.members) {
    const first = members.get(member.name);
    if (first !== undefined && ours.has(member.name)) {
      throw refuse(
        member,
        `${quoted(member.name)} is given twice, first on line ${first.at.line}`,
        'put everything into one of the two',
      );
    }
    members.set(member.name, member);
  }
  const found = dialects.flatMap((dialect) => {
    const member = members.get(dialect.container);
    return member === undefined ? [] : [{ dialect, member }];
  });
  const [chosen, ...others] = found;
  const other = others.find(({ dialect }) => dialect.isShared !== true);
  if (chosen === undefined) {
    const nearest = [...members.keys()].find((name) => nearestName(name, containers) !== undefined);
    throw refuse(
      root,
      'the file has none of "mcpServers", "servers", "context_servers" and "mcp", so it names no servers',
      nearest === undefined ? 'put the servers under "mcpServers": { … }' : `rename ${quoted(nearest)} to "mcpServers"`,
    );
  }
  const { dialect, member } = chosen;
  const container = member.value;
  if (container.type !== 'object') {
    throw refuse(
      container,
      `${quoted(member.name)} must be an object of servers by id, but it is ${kindOf(container)}`,
      `write ${quoted(member.name)}: { "some-id": { … } }`,
    );
  }
  if (other !== undefined) {
    report.problem(
      other.member,
      `${quoted(other.member.name)} is not read, because the file has ${quoted(member.name)} too`,
      'put all servers into one of the two',
    );
  }
  return { dialect, container, inputs: members.get('inputs'), holdfast: members.get('holdfast') };
}
