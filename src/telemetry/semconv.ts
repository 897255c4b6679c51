/**
 * Names of the semantic conventions for MCP, version 1.42.0-dev, status Development
 * (https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev), and of the registry that they draw on. They are written out here since the
 * conventions moved between packages, and are marked deprecated where they were.
 */
export const schemaUrl = 'https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev';

export const metric = {
  clientOperationDuration: 'mcp.client.operation.duration',
  clientSessionDuration: 'mcp.client.session.duration',
  serverOperationDuration: 'mcp.server.operation.duration',
} as const;

export const attribute = {
  errorType: 'error.type',
  method: 'mcp.method.name',
  operation: 'gen_ai.operation.name',
  prompt: 'gen_ai.prompt.name',
  protocolName: 'network.protocol.name',
  protocolVersion: 'mcp.protocol.version',
  resourceUri: 'mcp.resource.uri',
  rpcCode: 'rpc.response.status_code',
  tool: 'gen_ai.tool.name',
  toolArguments: 'gen_ai.tool.call.arguments',
  toolResult: 'gen_ai.tool.call.result',
  transport: 'network.transport',
} as const;

/** The value of `gen_ai.operation.name` for a tool call, and for nothing else. */
export const executeTool = 'execute_tool';

/** The value of `error.type` for a tool that was executed and says itself that it failed. */
export const toolError = 'tool_error';

/** Stands for every value beyond those that are told apart. */
export const other = '_OTHER';

/** The boundaries that the conventions advise for all their durations, in seconds. */
export const durationBoundaries = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
