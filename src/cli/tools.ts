import type { SessionDetail, ToolList } from '../service/index.ts';
import { exitCode } from './exit-codes.ts';
import { describeParameters } from './parameters.ts';
import type { StderrLines } from './stderr-lines.ts';
import { onOneLine, shownId } from './terminal-text.ts';
import { tellRefusal } from './tell-refusal.ts';
import { withService } from './with-service.ts';
import type { ActRequest } from './with-service.ts';

export interface ToolsRequest extends ActRequest {
  readonly json: boolean;
  /** Undefined: those of all servers. */
  readonly server: string | undefined;
}

/** Lists tools: of one server as it names them, or of all as the catalog does. Resolves to the exit code. */
export async function tools({ server, json, ...request }: ToolsRequest, stderr: StderrLines): Promise<number> {
  return withService(request, stderr, async ({ client }) => {
    if (server === undefined) {
      const answer = await client.get<ToolList>('/api/tools');
      if (!answer.ok) return tellRefusal(answer.error, stderr);
      if (json) process.stdout.write(`${JSON.stringify(answer.body)}\n`);
      else for (const { name, tool } of answer.body.tools) tell(name, tool);
      return exitCode.ok;
    }
    const answer = await client.get<SessionDetail>(`/api/sessions/${encodeURIComponent(server)}`);
    if (!answer.ok) return tellRefusal(answer.error, stderr);
    if (json) process.stdout.write(`${JSON.stringify(answer.body)}\n`);
    else for (const tool of answer.body.tools) tell(tool.name, tool);
    return exitCode.ok;
  });
}

function tell(
  name: string,
  { description, inputSchema }: { description?: string | undefined; inputSchema: unknown },
): void {
  process.stdout.write(`${shownId(name)}${describeParameters(inputSchema)}\n`);
  const [first = ''] = (description ?? '').trim().split('\n');
  if (first !== '') process.stdout.write(`    ${onOneLine(first)}\n`);
}
