import { ConfigError } from '../errors/config-error.ts';
import { claudeProjectServers, withProjectServers } from './claude-projects.ts';
import { codexVariables, inTurn, renamed, sseWithoutType, unwrapped, withTexts } from './dialect-rewriting.ts';
import type { Rewrite } from './dialect-rewriting.ts';
import { kindOf } from './document-value.ts';
import type { JsonMember, JsonObject, JsonValue } from './document-value.ts';
import { nearestName } from './nearest-name.ts';
import { quoted } from './printable.ts';
import type { Report } from './report.ts';

/** The hosts whose way of writing servers down is read. `claude`: of Claude Desktop, Claude Code and Cursor; it is also our own. */
export type DialectName =
  | 'claude'
  | 'cline'
  | 'codex'
  | 'continue'
  | 'gemini'
  | 'librechat'
  | 'opencode'
  | 'roo'
  | 'vscode'
  | 'windsurf'
  | 'zed';

/** What a key that holds a time means. */
export interface DialectTimeout {
  readonly option: 'callTimeoutMs' | 'connectTimeoutMs';
  /** So many milliseconds is one of it. */
  readonly unitMs: 1 | 1000;
}

/** How one family of hosts writes its servers down. */
export interface Dialect {
  readonly name: DialectName;
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
  /** What an entry says in words of its own. Default: nothing. */
  readonly rewrite?: Rewrite;
  /** Times with a unit that is known. Default: none. */
  readonly timeouts?: Readonly<Record<string, DialectTimeout>>;
}

const inSeconds = { timeout: { option: 'callTimeoutMs', unitMs: 1000 } } as const;
const claude: Dialect = { name: 'claude', container: 'mcpServers', httpMode: 'streamable-http' };

/** In the order in which their containers are looked for. */
const dialects: readonly Dialect[] = [
  claude,
  { name: 'vscode', container: 'servers', httpMode: 'auto' },
  { name: 'zed', container: 'context_servers', httpMode: 'auto', timeouts: inSeconds },
  {
    name: 'codex',
    container: 'mcp_servers',
    httpMode: 'auto',
    rewrite: codexVariables,
    timeouts: {
      startup_timeout_sec: { option: 'connectTimeoutMs', unitMs: 1000 },
      tool_timeout_sec: { option: 'callTimeoutMs', unitMs: 1000 },
    },
  },
  { name: 'opencode', container: 'mcp', httpMode: 'auto', variables: 'braces', commandIsList: true, isShared: true },
];

/** Those that have the container of Claude's, and are known by the name of the file alone. */
const lookalikes: readonly { readonly file: RegExp; readonly dialect: Dialect }[] = [
  {
    file: /[\\/]cline_mcp_settings\.json$/iu,
    dialect: {
      ...claude,
      name: 'cline',
      rewrite: inTurn(unwrapped('transport'), renamed({ transportType: 'type' }), sseWithoutType),
      timeouts: inSeconds,
    },
  },
  {
    file: /[\\/](?:mcp_settings\.json|\.roo[\\/]mcp\.json)$/iu,
    dialect: { ...claude, name: 'roo', timeouts: inSeconds },
  },
  {
    file: /[\\/]\.gemini[\\/]settings\.json$/iu,
    dialect: {
      ...claude,
      name: 'gemini',
      rewrite: withTexts((text) => text.replace(/\$([A-Za-z_]\w*)/gu, '${env:$1}')),
      timeouts: { timeout: { option: 'callTimeoutMs', unitMs: 1 } },
    },
  },
  { file: /[\\/]mcp_config\.json$/iu, dialect: { ...claude, name: 'windsurf' } },
  {
    file: /[\\/]librechat\.ya?ml$/iu,
    dialect: {
      ...claude,
      name: 'librechat',
      rewrite: sseWithoutType,
      timeouts: {
        timeout: { option: 'callTimeoutMs', unitMs: 1 },
        initTimeout: { option: 'connectTimeoutMs', unitMs: 1 },
      },
    },
  },
  {
    file: /[\\/](?:\.continue[\\/].*|continue(?:-config)?)\.ya?ml$/iu,
    dialect: {
      ...claude,
      name: 'continue',
      rewrite: inTurn(
        unwrapped('requestOptions'),
        withTexts((text) => text.replace(/\$\{\{\s*(?:secrets|inputs)\.([\w-]+)\s*\}\}/gu, '${env:$1}')),
      ),
      timeouts: { connectionTimeout: { option: 'connectTimeoutMs', unitMs: 1 } },
    },
  },
];

/** Every name of a dialect, for messages and options. */
export const dialectNames: readonly DialectName[] = [...dialects, ...lookalikes.map(({ dialect }) => dialect)].map(
  ({ name }) => name,
);

/** The dialect of a file by its container, its name, and what was asked for. */
function refined(chosen: Dialect, file: string, asked: DialectName | undefined): Dialect {
  if (chosen.container !== claude.container) return chosen;
  const found = lookalikes.find(({ file: names, dialect }) =>
    asked === undefined ? names.test(file) : dialect.name === asked,
  );
  return found?.dialect ?? chosen;
}

const isYamlList = (file: string, { value }: JsonMember): boolean => value.type === 'array' && /\.ya?ml$/iu.test(file);

/** The top-level members of a file that matter to holdfast. */
export interface Document {
  readonly dialect: Dialect;
  readonly container: JsonObject;
  readonly inputs: JsonMember | undefined;
  readonly holdfast: JsonMember | undefined;
  /** The files that this one builds on. */
  readonly extends: JsonMember | undefined;
}

/** Finds the servers in a parsed file, in `folder` where the file has some for that alone; throws `ConfigError` when there is no container of a known dialect. */
export function recogniseDocument(root: JsonValue, report: Report, folder: string, asked?: DialectName): Document {
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
  const ours = new Set([...containers, 'inputs', 'holdfast', 'extends']);
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
  const ownKeys = {
    inputs: members.get('inputs'),
    holdfast: members.get('holdfast'),
    extends: members.get('extends'),
  };
  const ofFolder = claudeProjectServers(members.get('projects'), folder, report);
  if (chosen === undefined && ofFolder !== undefined) return { dialect: claude, container: ofFolder, ...ownKeys };
  if (chosen === undefined && ownKeys.extends !== undefined) {
    return { dialect: claude, container: { type: 'object', at: root.at, path: '', members: [] }, ...ownKeys };
  }
  if (chosen === undefined) {
    const nearest = [...members.keys()].find((name) => nearestName(name, containers) !== undefined);
    throw refuse(
      root,
      'the file has none of "mcpServers", "servers", "context_servers", "mcp_servers" and "mcp", so it names no servers',
      nearest === undefined ? 'put the servers under "mcpServers": { … }' : `rename ${quoted(nearest)} to "mcpServers"`,
    );
  }
  const { member } = chosen;
  const dialect = refined(
    chosen.dialect,
    report.file,
    asked ?? (isYamlList(report.file, member) ? 'continue' : undefined),
  );
  const container = member.value.type === 'array' && dialect.name === 'continue' ? byName(member.value) : member.value;
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
  return {
    dialect,
    container: ofFolder === undefined ? container : withProjectServers(container, ofFolder, report),
    ...ownKeys,
  };
}

/** Continue has a list of servers, each with its name. One without a name is left for what reads entries to complain of. */
function byName({ at, path, items }: JsonValue & { readonly type: 'array' }): JsonObject {
  const members = items.map((item): JsonMember => {
    const name = item.type === 'object' ? item.members.find((member) => member.name === 'name')?.value : undefined;
    return { name: name?.type === 'string' ? name.text : '', at: item.at, path: item.path, value: item };
  });
  return { type: 'object', at, path, members };
}
