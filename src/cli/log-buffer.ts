import type { Logger, SessionManager } from '../index.ts';
import type { LogLine, LogPage, LogSource } from '../service/index.ts';
import { Story } from './story.ts';
import { onOneLine } from './terminal-text.ts';

/** Lines of every server together; the oldest go first. */
const mostLines = 5_000;
/** A server that writes long lines takes no more than this, in characters, for all of them. */
const mostCharacters = 2_000_000;
/** The most of one line that is kept, in characters. */
const longestLine = 2_000;

/** The last lines of what servers write to stderr and of what happens to them, for whoever asks later. */
export class LogBuffer implements LogSource {
  readonly #lines: LogLine[] = [];
  #characters = 0;
  #seq = 0;

  note(line: Omit<LogLine, 'seq'>): void {
    const text = line.text.length > longestLine ? `${line.text.slice(0, longestLine)}…` : line.text;
    this.#seq += 1;
    this.#lines.push({ seq: this.#seq, ...line, text });
    this.#characters += text.length;
    while (this.#lines.length > mostLines || this.#characters > mostCharacters) {
      this.#characters -= this.#lines.shift()?.text.length ?? 0;
    }
  }

  since(after: number, id: string | undefined): Omit<LogPage, 'schema'> {
    const first = this.#lines[0]?.seq ?? this.#seq + 1;
    return {
      lines: this.#lines.filter((line) => line.seq > after && (id === undefined || line.id === id)),
      next: this.#seq,
      missed: Math.max(0, first - 1 - after),
    };
  }

  /** The same logger; what it is told is kept, too, whatever its level. It is told nothing secret. */
  noting(logger: Logger): Logger {
    const noting =
      (level: LogLine['level']): Logger['info'] =>
      (fields, message) => {
        this.note(shown(level, fields, message));
        logger[level](fields, message);
      };
    return { debug: noting('debug'), info: noting('info'), warn: noting('warn'), error: noting('error') };
  }
}

function shown(level: LogLine['level'], fields: object, message: string): Omit<LogLine, 'seq'> {
  const { serverId, groupId, line, err }: { serverId?: unknown; groupId?: unknown; line?: unknown; err?: unknown } =
    fields;
  const id = [serverId, groupId].find((each) => typeof each === 'string') ?? null;
  const at = Date.now();
  if (message === 'stderr' && typeof line === 'string')
    return { at, level, id, source: 'stderr', text: onOneLine(line) };
  const why = err instanceof Error ? `: ${err.message}` : '';
  return { at, level, id, source: 'holdfast', text: onOneLine(message + why) };
}

/** Keeps what happens to servers and groups, in a line each, among what they write. */
export function tellStory(manager: Pick<SessionManager, 'events$'>, buffer: LogBuffer): void {
  const story = new Story();
  manager.events$.subscribe((event) => {
    const text = story.happened(event, event.at);
    const id = event.groupId ?? event.serverId ?? null;
    if (text !== undefined) buffer.note({ at: event.at, level: 'info', id, source: 'holdfast', text });
  });
}
