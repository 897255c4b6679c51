import { stripVTControlCharacters } from 'node:util';
import type { ConfigProblem } from '../config/index.ts';
import type { ApplyReport, ConnectionInfo, GroupInfo, SessionManager } from '../index.ts';
import { changedWords } from './changed-words.ts';
import { renderTable } from './render-table.ts';
import type { Screen } from './screen.ts';
import { storyLine, Story } from './story.ts';
import type { Stage } from './table-captions.ts';
import { widthOf } from './terminal-text.ts';
import type { Held, UpView } from './up-view.ts';

export interface LiveTableOptions {
  readonly color: boolean;
  readonly title: string;
  /** The address of the dashboard. Default: there is none. */
  readonly dashboard?: string | undefined;
  /** The address of the inspector's relay. Default: there is none. */
  readonly inspector?: string | undefined;
  /** Default: they are being held. */
  readonly stage?: 'holding' | 'watching' | undefined;
  /** Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What of a manager is shown. */
type ShownManager = Pick<SessionManager, 'events$' | 'sessions$' | 'groups$' | 'snapshot'>;

const refreshMs = 1000;

/** Shows a manager as a table that is redrawn in place, and what happens to its servers and groups as lines above it. */
export class LiveTable implements UpView {
  readonly #manager: ShownManager;
  readonly #screen: Screen;
  readonly #options: LiveTableOptions;
  readonly #now: () => number;
  readonly #undo: (() => void)[] = [];
  readonly #story = new Story();
  readonly above = (line: string): void => {
    this.#screen.above(line);
  };
  #problems: readonly ConfigProblem[] = [];
  #sessions: readonly ConnectionInfo[] = [];
  #groups: readonly GroupInfo[] = [];
  #isBroken = false;
  #stage: Stage;

  constructor(manager: ShownManager, screen: Screen, options: LiveTableOptions) {
    this.#manager = manager;
    this.#screen = screen;
    this.#options = options;
    this.#stage = options.stage ?? 'holding';
    this.#now = options.now ?? Date.now;
  }

  start(_held: Held, problems: readonly ConfigProblem[]): void {
    this.#problems = problems;
    this.#screen.open();
    const story = this.#manager.events$.subscribe((event) => {
      const line = this.#isLive ? this.#story.tell(event, this.#now()) : undefined;
      if (line !== undefined) this.above(line);
    });
    const update = (): void => {
      this.#update();
    };
    const infos = this.#manager.sessions$.subscribe(update);
    const groups = this.#manager.groups$.subscribe(update);
    const refresh = setInterval(() => {
      this.#draw();
    }, refreshMs);
    this.#undo.push(
      () => {
        story.unsubscribe();
        infos.unsubscribe();
        groups.unsubscribe();
        clearInterval(refresh);
      },
      this.#screen.onResize(() => {
        this.#draw();
      }),
    );
  }

  configChanged(report: ApplyReport, problems: readonly ConfigProblem[]): void {
    this.#isBroken = false;
    this.#problems = problems;
    this.#tellOfConfig(`changed: ${changedWords(report)}`);
  }

  configBroken(_problems: readonly ConfigProblem[]): void {
    this.#isBroken = true;
    this.#tellOfConfig('has a mistake: nothing was changed');
  }

  #tellOfConfig(what: string): void {
    if (this.#isLive) this.above(storyLine(this.#now(), this.#options.title, ' ', what));
    this.#draw();
  }

  stopping(how: 'draining' | 'forcing' | 'ending'): void {
    this.#stage = how;
    this.#draw();
  }

  end(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#stage = 'stopped';
    this.#sessions = withClosed(this.#sessions, []);
    this.#groups = withClosedGroups(this.#groups, []);
    this.#draw();
    this.#screen.close();
  }

  /** Stops showing what goes on without us. */
  leave(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#screen.close();
  }

  get #isLive(): boolean {
    return this.#stage === 'holding' || this.#stage === 'watching';
  }

  /** Both kinds from one snapshot: what is told of a server and of its group then never contradicts. */
  #update(): void {
    const { sessions, groups } = this.#manager.snapshot();
    this.#sessions = this.#isLive ? sessions : withClosed(this.#sessions, sessions);
    this.#groups = this.#isLive ? groups : withClosedGroups(this.#groups, groups);
    this.#draw();
  }

  #draw(): void {
    const frame = renderTable(
      { sessions: this.#sessions, groups: this.#groups },
      {
        ...this.#screen.size,
        color: this.#options.color,
        nowMs: this.#now(),
        problems: this.#problems,
        title: this.#options.title,
        dashboard: this.#options.dashboard,
        inspector: this.#options.inspector,
        stage: this.#stage,
        isBroken: this.#isBroken,
      },
    );
    this.#screen.draw(
      frame,
      frame.split('\n').map((line) => widthOf(stripVTControlCharacters(line))),
    );
  }
}

/** The sessions as they were known, brought up to date; those that were removed meanwhile stay, closed. */
function withClosed(known: readonly ConnectionInfo[], present: readonly ConnectionInfo[]): readonly ConnectionInfo[] {
  const infos = new Map(present.map((info) => [info.id, info]));
  return known.map(
    (info) => infos.get(info.id) ?? { ...info, state: 'disconnected', phase: 'closed', pid: null, nextAttemptAt: null },
  );
}

/** The same for groups: one that was removed has no member left that calls could go to. */
function withClosedGroups(known: readonly GroupInfo[], present: readonly GroupInfo[]): readonly GroupInfo[] {
  const infos = new Map(present.map((info) => [info.id, info]));
  return known.map(
    (info) =>
      infos.get(info.id) ?? {
        ...info,
        state: 'unavailable',
        active: null,
        failbackAt: null,
        failbackTo: null,
      },
  );
}
