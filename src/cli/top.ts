import type { Overview } from '../service/index.ts';
import { wantsColor } from './color.ts';
import { exitCode } from './exit-codes.ts';
import { LiveTable } from './live-table.ts';
import { RemoteManager } from './remote-manager.ts';
import { Screen } from './screen.ts';
import type { StderrLines } from './stderr-lines.ts';
import { attach } from './with-service.ts';

/** Shows the live table of a running `up` until it ends, or until Ctrl-C, which ends the looking and nothing else. Resolves to the exit code. */
export async function top(
  { files, color }: { readonly files: readonly string[]; readonly color: boolean },
  stderr: StderrLines,
): Promise<number> {
  const { stdout } = process;
  if (!stdout.isTTY) {
    stderr.line('holdfast: top needs a terminal; `holdfast status` tells it once, `holdfast up` as JSON lines');
    return exitCode.usage;
  }
  const client = await attach(files);
  if (client === undefined) {
    stderr.line('holdfast: nobody holds this configuration: start `holdfast up` with it first');
    return exitCode.failed;
  }
  const looking = new AbortController();
  const leave = (): void => {
    looking.abort();
  };
  process.once('SIGINT', leave);
  process.once('SIGTERM', leave);
  let table: LiveTable | undefined;
  const show = (manager: RemoteManager, { title, problems }: Overview): void => {
    const isColored = wantsColor(color, process.env, stdout.hasColors());
    table = new LiveTable(manager, new Screen(stdout), { color: isColored, title, stage: 'watching' });
    table.start({ servers: [], groups: [] }, problems);
    manager.stopping$.subscribe({ complete: () => table?.stopping('ending') });
  };
  try {
    await RemoteManager.follow(client, looking.signal, show);
  } catch {
    // It has ended without saying so, or we have.
  }
  if (looking.signal.aborted) table?.leave();
  else table?.end();
  return looking.signal.aborted ? exitCode.interrupted : exitCode.ok;
}
