import { inspect } from 'node:util';
import { pino } from 'pino';
import { LiveTable } from '../../src/cli/live-table.ts';
import { Screen } from '../../src/cli/screen.ts';
import { SessionManager, type ServerTarget, type Session } from '../../src/index.ts';
import { FakeTerminal } from '../cli/fake-terminal.ts';
import { canariesIn, control } from './canaries.ts';

/** Everything that can be seen of a value, by whatever means. */
function seen(value: unknown): string {
  return `${inspect(value, { depth: null, showHidden: true, maxStringLength: null, maxArrayLength: null })}\n${json(value)}`;
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return ''; // A cycle: the inspection has shown it.
  }
}

/** A manager, and everything that leaves it but the answers and notifications of its servers. */
export class Watcher {
  readonly manager: SessionManager;
  readonly #outputs = new Map<string, string[]>();
  readonly #terminal = new FakeTerminal(4_000, 60);
  readonly #table: LiveTable;

  constructor() {
    const logger = pino(
      { level: 'trace' },
      {
        write: (line) => {
          this.#keep('log', line);
        },
      },
    );
    const defaults = { reconnect: { delayMs: 50, maxDelayMs: 50, multiplier: 1 } };
    this.manager = new SessionManager({ defaults }, { logger });
    this.manager.events$.subscribe((event) => {
      this.#keep('events', seen(event));
      this.#keep('snapshots', seen(this.manager.snapshot()));
    });
    this.manager.sessions$.subscribe((infos) => {
      this.#keep('infos', seen(infos));
    });
    this.manager.inspect({
      next: (event) => {
        this.#keep('inspection', seen(event));
      },
    });
    this.#table = new LiveTable(this.manager, new Screen(this.#terminal), { color: false, title: 'canaries' });
    this.#table.start({ servers: [], groups: [] }, []);
  }

  async hold(id: string, target: ServerTarget): Promise<Session> {
    return this.watch(await this.manager.addServer(id, target));
  }

  watch(session: Session): Session {
    session.events$.subscribe((event) => {
      this.#keep('events', seen(event));
    });
    session.info$.subscribe((info) => {
      this.#keep('infos', seen(info), seen(session.server));
    });
    return session;
  }

  /** Keeps what is thrown, and returns its code. */
  async thrown(run: () => Promise<unknown>): Promise<unknown> {
    try {
      await run();
    } catch (error) {
      this.#keep('errors', seen(error), String(error), String(error instanceof Error && error.stack));
      return error instanceof Error && 'code' in error ? error.code : error;
    }
    throw new Error('nothing was thrown');
  }

  async end(): Promise<void> {
    await this.manager.close({ drainMs: 0 });
    this.#table.end();
  }

  /** Where the control was seen, and which canaries were seen where. */
  get verdict(): { readonly control: readonly string[]; readonly canaries: readonly string[] } {
    const texts = [...this.#outputs].map(([name, parts]) => ({ name, text: parts.join('\n') }));
    texts.push({ name: 'table', text: this.#terminal.written.join('\n') });
    return {
      control: texts.flatMap(({ name, text }) => (text.includes(control) ? [name] : [])).toSorted(),
      canaries: texts.flatMap(({ name, text }) => canariesIn(text).map((what) => `${name}: ${what}`)),
    };
  }

  #keep(name: string, ...parts: readonly string[]): void {
    const kept = this.#outputs.get(name);
    if (kept === undefined) this.#outputs.set(name, [...parts]);
    else kept.push(...parts);
  }
}
