/** The least that an MCP server answers, for the raw JSON-RPC servers of this folder. */

export const tool = (name, more = {}) => ({
  name,
  description: `Answers ${name}`,
  inputSchema: { type: 'object' },
  ...more,
});
export const text = (value) => ({ content: [{ type: 'text', text: value }] });

/** The reply to a request as a whole message; undefined for what wants none. `call` gives the result of a tool call. */
export function replyTo({ id, method, params }, { tools, call }) {
  if (id === undefined || method === undefined) return undefined;
  const result = resultOf(method, params, { tools, call });
  if (result !== undefined) return { jsonrpc: '2.0', id, result };
  return { jsonrpc: '2.0', id, error: { code: -32601, message: `Unknown method ${method}` } };
}

function resultOf(method, params, { tools, call }) {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'lean', version: '1.0.0' },
      };
    case 'ping':
      return {};
    case 'tools/list':
      return { tools };
    case 'tools/call':
      return call(params);
    default:
      return undefined;
  }
}
