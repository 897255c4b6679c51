// The client that the conformance runner starts, once for each scenario: `node client.mjs v1|v2|default <url>`. It holds one server
// with production defaults, through the public API of the build in dist, lists its tools and calls them.
import { oauthClient } from '../../dist/auth/index.js';
import { SessionManager, http } from '../../dist/index.js';

/** How often somebody allows what one step asks for; then the step has failed. */
const maxAuthorisations = 3;

const [driverName, url] = process.argv.slice(2);
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const isModern = (process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? '') >= '2026-07-28';

const manager = new SessionManager({}, await portsOf(driverName));
const session = await manager.addServer('conformance', http({ url, auth: clientOf(context) }), {
  waitForReady: false,
  protocol: isModern ? 'modern' : 'auto',
  handlers: { elicit: async ({ requestedSchema }) => ({ action: 'accept', content: defaultsOf(requestedSchema) }) },
});
let failures = 0;
try {
  const tools = await authorised(() => session.listTools());
  const calls =
    context.toolCalls ?? tools.map(({ name, inputSchema }) => ({ name, arguments: argumentsFor(inputSchema) }));
  for (const call of calls) {
    try {
      await authorised(() => session.callTool(call.name, call.arguments));
    } catch (error) {
      // A scenario may answer one call wrongly on purpose, and go on with the next.
      tell(`${call.name}: ${String(error)}`);
    }
  }
} catch (error) {
  failures += 1;
  tell(String(error));
}
await manager.close();
process.exitCode = failures === 0 ? 0 : 1;

/** @param {{ client_id?: string, client_secret?: string }} agreed what was agreed beforehand, if anything */
function clientOf({ client_id: id, client_secret: secret }) {
  return oauthClient({
    redirectUrl: 'http://localhost:3000/callback',
    clientMetadataUrl: 'https://conformance-test.local/client-metadata.json',
    ...(id !== undefined && { client: { client_id: id, ...(secret !== undefined && { client_secret: secret }) } }),
  });
}

/** @param {string} name */
async function portsOf(name) {
  if (name === 'default') return {};
  const driver =
    name === 'v1'
      ? (await import('../../dist/link/sdk-v1/sdk-v1-driver.js')).sdkV1Driver
      : (await import('../../dist/link/sdk-v2/sdk-v2-driver.js')).sdkV2Driver;
  return { links: () => driver };
}

/**
 * Does one step; where the server wants to be allowed first, that is done as a person would who allows everything, and the step is done
 * again.
 * @template T
 * @param {() => Promise<T>} step
 */
async function authorised(step) {
  for (let count = 0; ; count += 1) {
    try {
      await session.ready();
      return await step();
    } catch (error) {
      if (count === maxAuthorisations || error.code !== 'AUTH_REQUIRED' || error.url === undefined) throw error;
      await allow(error.url);
    }
  }
}

async function allow(address) {
  const answer = await fetch(address, { redirect: 'manual' });
  await session.finishAuth(new URL(answer.headers.get('location') ?? '', address).searchParams);
}

/** What each property of the schema has by default, as a form that is sent off untouched. */
function defaultsOf(schema) {
  const filled = Object.entries(schema?.properties ?? {}).filter(([, property]) => property.default !== undefined);
  return Object.fromEntries(filled.map(([name, property]) => [name, property.default]));
}

/** A value for each property that the tool requires. */
function argumentsFor(schema) {
  const required = schema.required ?? [];
  return Object.fromEntries(required.map((name) => [name, valueOf(schema.properties?.[name] ?? {})]));
}

function valueOf({ type, default: given, enum: choices }) {
  if (given !== undefined) return given;
  if (choices !== undefined) return choices[0];
  if (type === 'number' || type === 'integer') return 5;
  if (type === 'boolean') return true;
  if (type === 'array') return [];
  return type === 'object' ? {} : 'text';
}

function tell(line) {
  process.stderr.write(`${line}\n`);
}
