import type { ConnectionInfo } from '../../index.ts';
import { countdownWords, durationWords, latencyWords, stateWord, stateWords } from '../../words/session-words.ts';
import { button, element, setText } from './element.ts';
import { MAX_LATENCIES } from './model.ts';
import { sparklinePath } from './sparkline.ts';

const WIDTH = 240;
const HEIGHT = 28;

const facts = [
  'latency',
  'in flight',
  'calls',
  'failed calls',
  'circuit',
  'failed checks',
  'pid',
  'generation',
  'for',
  'next attempt',
] as const;

export interface SessionActions {
  readonly open: (id: string) => void;
  readonly post: (path: string) => Promise<void>;
}

/** The card of one server: made once, then brought up to date, so that focus and selection stay where they are. */
export class SessionCard {
  readonly root = element('article', 'card');
  readonly #state = element('span', 'state-word');
  readonly #server = element('p', 'server');
  readonly #why = element('p', 'why');
  readonly #facts = new Map<(typeof facts)[number], HTMLElement>();
  readonly #line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  #info: ConnectionInfo;

  constructor(info: ConnectionInfo, actions: SessionActions) {
    this.#info = info;
    const { id } = info;
    const heading = element('h3', '', id);
    const list = element('dl');
    for (const name of facts) {
      const value = element('dd');
      this.#facts.set(name, value);
      list.append(element('dt', '', name), value);
    }
    const path = `/api/sessions/${encodeURIComponent(id)}`;
    const detail = button('Details', `of ${id}`, async () => {
      actions.open(id);
    });
    const reconnect = button('Reconnect', id, () => actions.post(`${path}/reconnect`));
    const reset = button('Reset circuit', `of ${id}`, () => actions.post(`${path}/reset-circuit`));
    this.root.append(
      element('div', 'top', heading, this.#state),
      this.#server,
      list,
      this.#drawing(),
      this.#why,
      element('p', 'buttons', detail, reconnect, reset),
    );
    this.root.setAttribute('aria-label', `server ${id}`);
  }

  update(info: ConnectionInfo, latencies: readonly number[], now: number): void {
    this.#info = info;
    this.root.dataset['state'] = stateWord(info);
    setText(this.#state, stateWords(info));
    const { reason, lastError } = info;
    setText(this.#why, reason ?? (info.state === 'healthy' || lastError === null ? '' : lastError.message));
    const { latencyMs, serverInfo } = info;
    this.#fact('pid', info.pid);
    this.#fact('generation', info.generation);
    this.#fact('latency', latencyMs.last === null ? null : latencyWords(latencyMs.last));
    this.#fact('in flight', info.activeRequests);
    this.#fact('calls', info.successfulRequests + info.failedRequests);
    this.#fact('failed calls', info.failedRequests);
    this.#fact('failed checks', info.failedHealthChecks);
    this.#fact('circuit', info.circuit);
    setText(
      this.#server,
      serverInfo === null ? '' : `${serverInfo.name} ${serverInfo.version}, ${info.protocolVersion ?? ''}`,
    );
    this.#line.setAttribute('d', sparklinePath(latencies, WIDTH, HEIGHT, MAX_LATENCIES));
    this.tick(now);
  }

  /** Brings up to date what changes by time alone. `now`: by the service's clock. */
  tick(now: number): void {
    const { nextAttemptAt, since } = this.#info;
    this.#fact('next attempt', nextAttemptAt === null ? null : countdownWords(nextAttemptAt - now));
    this.#fact('for', durationWords(Math.max(0, now - since)));
  }

  #fact(name: (typeof facts)[number], value: string | number | null): void {
    const place = this.#facts.get(name);
    if (place !== undefined) setText(place, value === null ? '–' : String(value));
  }

  #drawing(): SVGSVGElement {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('class', 'sparkline');
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.setAttribute('aria-hidden', 'true');
    for (const [name, value] of Object.entries({ fill: 'none', stroke: 'currentColor', 'stroke-width': '1.5' }))
      this.#line.setAttribute(name, value);
    svg.append(this.#line);
    return svg;
  }
}
