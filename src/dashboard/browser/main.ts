import { listen, logIn, post } from './connection.ts';
import { Detail } from './detail.ts';
import { byId, element, setText } from './element.ts';
import { EventLog } from './event-log.ts';
import { GroupCard } from './group-card.ts';
import { begin, change } from './model.ts';
import type { Model } from './model.ts';
import { SessionCard } from './session-card.ts';
import { stateWord } from '../../words/session-words.ts';

const states = ['healthy', 'degraded', 'unhealthy', 'connecting', 'disconnected', 'closed'] as const;

const picture = byId('picture', HTMLElement);
const form = byId('login', HTMLFormElement);
const link = byId('link', HTMLElement);
const announce = byId('announce', HTMLElement);
const detail = new Detail(byId('detail', HTMLDialogElement));
const log = new EventLog(
  byId('events', HTMLOListElement),
  byId('filter', HTMLInputElement),
  byId('pause', HTMLInputElement),
);
const sessionCards = new Map<string, SessionCard>();
const groupCards = new Map<string, GroupCard>();

let model: Model | null = null;
let lostAt: number | null = null;

const act = async (path: string): Promise<void> => {
  const answer = await post(path, {});
  if (!answer.ok) setText(announce, answer.error.message);
};

/** Now, by the service's clock. */
const now = (): number => Date.now() + (model?.aheadMs ?? 0);

function show(present: Model): void {
  model = present;
  const { overview, sessions, groups, latencies } = present;
  setText(byId('title', HTMLElement), overview.title);
  document.title = titleOf(present);
  showCounts(present);
  const servers = byId('servers', HTMLElement);
  keep(sessionCards, sessions.keys());
  for (const info of sessions.values()) {
    let card = sessionCards.get(info.id);
    if (card === undefined) {
      card = new SessionCard(info, { open: openDetail, post: act });
      sessionCards.set(info.id, card);
      servers.append(card.root);
    }
    card.update(info, latencies.get(info.id) ?? [], now());
    detail.update(info);
  }
  keep(groupCards, groups.keys());
  for (const info of groups.values()) {
    let card = groupCards.get(info.id);
    if (card === undefined) {
      card = new GroupCard(info, act);
      groupCards.set(info.id, card);
      byId('groups', HTMLElement).append(card.root);
    }
    card.update(info, now());
  }
  byId('groups-section', HTMLElement).hidden = groups.size === 0;
  showProblems(present);
  showLink();
}

function keep(cards: Map<string, { readonly root: HTMLElement }>, ids: Iterable<string>): void {
  const present = new Set(ids);
  for (const [id, { root }] of cards) {
    if (present.has(id)) continue;
    root.remove();
    cards.delete(id);
  }
}

function titleOf({ sessions }: Model): string {
  const wrong = [...sessions.values()].filter(({ state }) => state !== 'healthy').length;
  return wrong === 0 ? 'holdfast' : `(${wrong}) holdfast`;
}

function showCounts({ sessions }: Model): void {
  const items = states.flatMap((state) => {
    const count = [...sessions.values()].filter((info) => stateWord(info) === state).length;
    if (count === 0) return [];
    const item = element('li', '', element('span', 'state-word', `${count} ${state}`));
    item.dataset['state'] = state;
    return [item];
  });
  byId('counts', HTMLElement).replaceChildren(...items);
}

function showProblems({ overview }: Model): void {
  const section = byId('problems', HTMLElement);
  section.hidden = overview.problems.length === 0;
  const items = overview.problems.map(({ file, line, column, field, problem, fix }) =>
    element('li', '', `${file}:${line}:${column}: ${field === null ? '' : `${field}: `}${problem}; ${fix}`),
  );
  section.querySelector('ul')?.replaceChildren(...items);
}

/** What is shown is only said to be the present while it is. */
function showLink(): void {
  const isLost = lostAt !== null;
  const isStopping = model?.overview.stopping === true;
  picture.classList.toggle('stale', isLost || isStopping);
  link.classList.toggle('lost', isLost || isStopping);
  if (isStopping) setText(link, 'stopping: nothing is held any more');
  else if (lostAt === null) setText(link, 'live');
  else setText(link, `not connected since ${new Date(lostAt).toLocaleTimeString()}: this is what was last known`);
}

function openDetail(id: string): void {
  const info = model?.sessions.get(id);
  if (info !== undefined) void detail.open(info);
}

function start(): void {
  form.hidden = true;
  listen({
    snapshot: (overview) => {
      picture.hidden = false;
      show(begin(overview, model, Date.now()));
    },
    changes: (changes) => {
      if (model !== null) show(change(model, changes, Date.now()));
    },
    happened: (event) => {
      log.happened(event);
      if (event.type === 'stateChanged' && event.from !== event.to)
        setText(announce, `${event.serverId} is ${event.to}`);
    },
    missed: ({ count }) => {
      log.missed(count, now());
    },
    connected: (isConnected) => {
      if (isConnected) lostAt = null;
      else lostAt ??= Date.now();
      showLink();
    },
    locked: () => {
      picture.hidden = true;
      form.hidden = false;
    },
  });
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const input = byId('token', HTMLInputElement);
  void logIn(input.value).then((isRight) => {
    input.value = '';
    setText(byId('login-problem', HTMLElement), isRight ? '' : 'The token is wrong.');
    if (isRight) start();
  });
});

setInterval(() => {
  // What is not the present does not go on.
  if (lostAt !== null || model?.overview.stopping === true) return;
  for (const card of sessionCards.values()) card.tick(now());
  for (const card of groupCards.values()) card.tick(now());
}, 250);

// Nobody who looks over a shoulder, and no history, needs to see the token.
const token = new URLSearchParams(location.hash.slice(1)).get('token');
if (token !== null) history.replaceState(null, '', location.pathname);
if (token === null) start();
else void logIn(token).then(start);
