import { expect, it } from 'vitest';
import { ConfigError, formatConfigProblem } from '../../src/config/index.ts';
import { loadText } from './config-fixture.ts';

const json = '/p/mcp.json';
const yaml = '/p/librechat.yaml';
const toml = '/p/config.toml';

/** A file, and what is said of it first. */
const malformed: readonly (readonly [file: string, text: string, said: string])[] = [
  [json, '', '/p/mcp.json:1:1: the file is empty; write at least { "mcpServers": {} }'],
  [json, '{', '/p/mcp.json:1:2: this is not JSON: an object is not closed; add the missing }'],
  [json, '[]', '/p/mcp.json:1:1: the file must hold an object, but it holds an array; write { "mcpServers": { … } }'],
  [
    json,
    '{ "mcpServers": [] }',
    '/p/mcp.json:1:17: mcpServers: "mcpServers" must be an object of servers by id, but it is an array; write "mcpServers": { "some-id": { … } }',
  ],
  [
    json,
    '{ "mcpServer": {} }',
    '/p/mcp.json:1:1: the file has none of "mcpServers", "servers", "context_servers", "mcp_servers" and "mcp", so it names no servers; rename "mcpServer" to "mcpServers"',
  ],
  [
    json,
    "{ 'mcpServers': {} }",
    '/p/mcp.json:1:3: this is not JSON: a single quote is not a string delimiter; use double quotes',
  ],
  [
    json,
    '{ "mcpServers": { "a": { "command": "x" "args": [] } } }',
    '/p/mcp.json:1:41: this is not JSON: a comma is missing before this; add a comma after the previous value',
  ],
  [
    json,
    '{ "mcpServers": {} } x',
    '/p/mcp.json:1:22: this is not JSON: this is neither a string, a number, true, false nor null; put names and strings in double quotes',
  ],
  [
    json,
    '{ "mcpServers": { "a": 7 } }',
    '/p/mcp.json:1:24: mcpServers.a: a server must be an object, but it is a number; write { "command": "…" } or { "url": "…" }',
  ],
  [
    json,
    '{ "mcpServers": { "a": {} } }',
    '/p/mcp.json:1:19: mcpServers.a: the server has neither "command" nor "url"; add "command" for a program to start, or "url" for a remote server',
  ],
  [
    json,
    '{ "mcpServers": { "a": { "command": ["x"] } } }',
    '/p/mcp.json:1:37: mcpServers.a.command: command must be a string, but it is an array; put the program into "command" and the rest into "args"',
  ],
  [
    json,
    '{ "mcpServers": { "a": { "command": "x", "args": "y" } } }',
    '/p/mcp.json:1:50: mcpServers.a.args: args must be an array of strings, but it is a string; write "args": ["…", "…"]',
  ],
  [
    json,
    '{ "mcpServers": { "a": { "command": "${NOPE}" } } }',
    '/p/mcp.json:1:37: mcpServers.a.command: the variable NOPE is not set and has no default; set NOPE in the environment, or write ${NOPE:-value}',
  ],
  [
    json,
    '{ "mcpServers": { "a": { "type": "htp", "url": "https://x" } } }',
    '/p/mcp.json:1:34: mcpServers.a.type: this "type" of server is not known; did you mean "http"?',
  ],
  [
    json,
    '{ "mcpServers": { "a": { "url": "x" } } }',
    '/p/mcp.json:1:33: mcpServers.a.url: url is not a whole http:// or https:// address; write it like https://example.com/mcp',
  ],
  [
    json,
    '{ "mcpServers": { "a": { "command": "x" }, "a": { "command": "y" } } }',
    '/p/mcp.json:1:44: mcpServers.a: the server "a" is given twice, first on line 1; rename or remove one of the two; until then neither starts',
  ],
  [
    json,
    '{ "mcpServers": { "a": { "command": "x", "disabled": "no" } } }',
    '/p/mcp.json:1:54: mcpServers.a.disabled: disabled must be true or false, but it is a string; write true or false, without quotes',
  ],
  [
    json,
    '{ "mcpServers": { "a": { "url": "https://x", "headers": { "A b": "c" } } } }',
    '/p/mcp.json:1:59: mcpServers.a.headers["A b"]: "A b" cannot be the name of a header; use letters, digits and hyphens',
  ],
  [
    json,
    '{ "mcpServers": { "": { "command": "x" } } }',
    '/p/mcp.json:1:19: mcpServers[""]: the server id "" is empty; choose an id of 1 to 64 characters, such as "files"',
  ],
  [
    '/p/.roo/mcp.json',
    '{ "mcpServers": { "a": { "command": "x", "timeout": "60" } } }',
    '/p/.roo/mcp.json:1:53: mcpServers.a.timeout: timeout must be a number of seconds, but it is a string; write it without quotes',
  ],
  [
    '/p/.roo/mcp.json',
    '{ "mcpServers": { "a": { "command": "x", "timeout": -1 } } }',
    '/p/.roo/mcp.json:1:53: mcpServers.a.timeout: timeout must be a number of seconds above 0; write at most 2147483.647',
  ],
  [yaml, '', '/p/librechat.yaml:1:1: the file is empty; write at least mcpServers: {}'],
  [
    yaml,
    'mcpServers:\n\ta: 1\n',
    '/p/librechat.yaml:2:1: this is not YAML: tab as indent; mend it there, or just before',
  ],
  [
    yaml,
    'mcpServers:\n  a:\n    command: [x\n',
    '/p/librechat.yaml:4:1: this is not YAML: bad indent; mend it there, or just before',
  ],
  [yaml, 'mcpServers:\n  a: *none\n', '/p/librechat.yaml:2:6: there is no anchor for this alias; write the value out'],
  [
    yaml,
    'mcpServers:\n  a:\n    command: "x\n',
    '/p/librechat.yaml:4:1: this is not YAML: missing char; mend it there, or just before',
  ],
  [
    yaml,
    'mcpServers:\n  a:\n    command: 7\n',
    '/p/librechat.yaml:3:14: mcpServers.a.command: command must be a string, but it is a number; put it in double quotes',
  ],
  [
    yaml,
    'mcpServers:\n  a:\n    command: x\n  a:\n    command: y\n',
    '/p/librechat.yaml:4:3: mcpServers.a: the server "a" is given twice, first on line 2; rename or remove one of the two; until then neither starts',
  ],
  [
    yaml,
    'mcpServers:\n  a:\n    command: x\n    args: y\n',
    '/p/librechat.yaml:4:11: mcpServers.a.args: args must be an array of strings, but it is a string; write "args": ["…", "…"]',
  ],
  [
    yaml,
    'servers',
    '/p/librechat.yaml:1:1: the file must hold an object, but it holds a string; write { "mcpServers": { … } }',
  ],
  [
    yaml,
    'mcpServers:\n  a:\n    url: ftp://x\n',
    '/p/librechat.yaml:3:10: mcpServers.a.url: url is not a whole http:// or https:// address, as its "type" demands; write it like https://example.com/mcp',
  ],
  [
    yaml,
    'mcpServers:\n  a:\n    command: ${NOPE}\n',
    '/p/librechat.yaml:3:14: mcpServers.a.command: the variable NOPE is not set and has no default; set NOPE in the environment, or write ${NOPE:-value}',
  ],
  [
    '/p/x.yaml',
    'mcpServers:\n  - command: x\n',
    '/p/x.yaml:2:5: mcpServers[0]: the server id "" is empty; choose an id of 1 to 64 characters, such as "files"',
  ],
  [toml, '', '/p/config.toml:1:1: the file is empty; write at least [mcp_servers]'],
  [
    toml,
    '[mcp_servers.a\n',
    '/p/config.toml:2:1: this is not TOML: unterminated table-key; mend it there, or just before',
  ],
  [
    toml,
    '[mcp_servers.a]\ncommand = "x\n',
    '/p/config.toml:2:13: this is not TOML: unterminated string constant; mend it there, or just before',
  ],
  [
    toml,
    '[mcp_servers.a]\ncommand = \n',
    '/p/config.toml:3:1: this is not TOML: unspecified values are invalid; mend it there, or just before',
  ],
  [
    toml,
    '[mcp_servers.a]\ncommand = "x"\ncommand = "y"\n',
    '/p/config.toml:3:1: this is not TOML: defining a key multiple times is invalid; mend it there, or just before',
  ],
  [
    toml,
    '[mcp_servers.a]\nargs = ["x"]\n',
    '/p/config.toml:1:14: mcp_servers.a: the server has neither "command" nor "url"; add "command" for a program to start, or "url" for a remote server',
  ],
  [
    toml,
    '[mcp_servers.a]\ncommand = "x"\nargs = [1]\n',
    '/p/config.toml:3:9: mcp_servers.a.args[0]: an argument must be a string, but it is a number; put it in double quotes',
  ],
  [
    toml,
    '[mcp_servers.a]\nurl = "https://x"\nbearer_token_env_var = "NOPE"\n',
    '/p/config.toml:3:24: mcp_servers.a.bearer_token_env_var: the variable NOPE is not set and has no default; set NOPE in the environment, or write ${NOPE:-value}',
  ],
  [
    toml,
    '[mcp_servers.a]\ncommand = "x"\ntool_timeout_sec = "9"\n',
    '/p/config.toml:3:20: mcp_servers.a.tool_timeout_sec: tool_timeout_sec must be a number of seconds, but it is a string; write it without quotes',
  ],
  [
    toml,
    '[model]\nname = "x"\n',
    '/p/config.toml:1:1: the file has none of "mcpServers", "servers", "context_servers", "mcp_servers" and "mcp", so it names no servers; put the servers under "mcpServers": { … }',
  ],
  [
    '/p/opencode.json',
    '{ "mcp": { "a": { "type": "local", "command": [] } } }',
    '/p/opencode.json:1:47: mcp.a.command: command is empty; write "command": ["program", "argument", …]',
  ],
];

it.each(malformed)('%s %j', async (file, text, said) => {
  const first = await loadText(text, { file }).then(
    ({ problems: [problem] }) => (problem === undefined ? 'nothing' : formatConfigProblem(problem)),
    (error: unknown) => (error instanceof ConfigError ? error.message : String(error)),
  );
  expect(first).toBe(said);
});

it('thirty of them', () => {
  expect(malformed.length).toBeGreaterThanOrEqual(30);
});
