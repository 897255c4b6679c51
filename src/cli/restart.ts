import { exitCode } from './exit-codes.ts';
import type { StderrLines } from './stderr-lines.ts';
import { tellRefusal } from './tell-refusal.ts';
import { attach } from './with-service.ts';

/** Has a running `up` let a server's connection go and make the next one. Resolves to the exit code. */
export async function restart(
  { files, server }: { readonly files: readonly string[]; readonly server: string },
  stderr: StderrLines,
): Promise<number> {
  const client = await attach(files);
  if (client === undefined) {
    stderr.line('holdfast: nobody holds this configuration: start `holdfast up` with it first');
    return exitCode.failed;
  }
  const answer = await client.post(`/api/sessions/${encodeURIComponent(server)}/reconnect`, {});
  return answer.ok ? exitCode.ok : tellRefusal(answer.error, stderr);
}
