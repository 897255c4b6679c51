/**
 * Three agents of three makes at work with the tools of the same two servers: they keep a note with one and add with the other. The
 * models are made up, so that this runs without any provider; put your own in their place. In a project of your own, import from 'holdfast'.
 *
 * Run it from the root of this repository with a Node that reads TypeScript (22.18 or newer): `node examples/agents/three-agents.ts`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SessionManager, stdio } from '../../src/index.ts';
import { runAiSdkAgent } from './ai-sdk.ts';
import { runLangChainAgent } from './langchain.ts';
import { aiSdkModel, langChainModel, openAiModel } from './made-up-models.ts';
import { runOpenAiAgent } from './openai.ts';

const programOf = (server: string): string => `node_modules/@modelcontextprotocol/server-${server}/dist/index.js`;
const folder = mkdtempSync(join(tmpdir(), 'holdfast-agents-'));
const env = { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') };

const manager = new SessionManager();
await manager.addServer('everything', stdio({ command: 'node', args: [programOf('everything')] }));
await manager.addServer('memory', stdio({ command: 'node', args: [programOf('memory')], env }));
console.log(`${manager.catalog.tools.length} tools, ${manager.catalog.complete ? 'complete' : 'not complete'}`);

const note = (name: string) => ({
  tool: 'memory__create_entities',
  args: { entities: [{ name, entityType: 'agent', observations: ['was here'] }] },
});
const sum = { tool: 'everything__get-sum', args: { a: 2, b: 3 } };
const wrong = { tool: 'everything__get-sum', args: { a: 'two' } };
const task = 'Leave a note, then add two and three.';

console.log('Vercel AI SDK:', await runAiSdkAgent(manager, aiSdkModel([note('Ada'), sum]), task));
console.log('OpenAI format:', await runOpenAiAgent(manager, openAiModel([note('Bob'), wrong, sum]), task));
console.log('LangChain:', await runLangChainAgent(manager, langChainModel([note('Cleo'), sum]), task));

const graph = await manager.callTool('memory__open_nodes', { names: ['Ada', 'Bob', 'Cleo'] });
console.log('notes:', JSON.stringify(graph.structuredContent?.['entities']));
await manager.close();
rmSync(folder, { recursive: true });
