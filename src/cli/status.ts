import type { ConnectionInfo } from '../index.ts';
import type { Overview } from '../service/index.ts';
import { wantsColor } from './color.ts';
import { exitCode } from './exit-codes.ts';
import { renderTable } from './render-table.ts';
import type { StderrLines } from './stderr-lines.ts';
import { tellRefusal } from './tell-refusal.ts';
import { withService } from './with-service.ts';
import type { ActRequest } from './with-service.ts';

export interface StatusRequest extends ActRequest {
  readonly json: boolean;
  readonly color: boolean;
}

/** Tells how every server stands, once. Resolves to the exit code. */
export async function status(request: StatusRequest, stderr: StderrLines): Promise<number> {
  return withService(request, stderr, async ({ client }) => {
    const answer = await client.get<Overview>('/api/sessions');
    if (!answer.ok) return tellRefusal(answer.error, stderr);
    const overview = answer.body;
    process.stdout.write(request.json ? `${JSON.stringify(overview)}\n` : `${table(overview, request.color)}\n`);
    return exitCodeOf(overview.sessions, overview.problems.length > 0);
  });
}

/** 0 when all are ready, 3 when some are not, 4 when none is. A server that is opened by its first call is ready. */
function exitCodeOf(sessions: readonly ConnectionInfo[], hasProblems: boolean): number {
  const ready = sessions.filter(({ state, phase }) => state === 'healthy' || phase === 'idle').length;
  const usable = sessions.filter(({ state }) => state === 'degraded').length;
  if (ready + usable === 0) return exitCode.noneReady;
  return ready === sessions.length && !hasProblems ? exitCode.ok : exitCode.degraded;
}

function table({ sessions, groups, problems, title, now }: Overview, color: boolean): string {
  const { stdout } = process;
  const text = renderTable(
    { sessions, groups },
    {
      columns: stdout.columns || 120,
      rows: sessions.length + groups.length + problems.length + 100,
      color: wantsColor(color, process.env, stdout.isTTY && stdout.hasColors()),
      nowMs: now,
      problems,
      title,
      stage: 'told',
    },
  );
  return text.trimEnd();
}
