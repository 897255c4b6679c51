import type { ManagerEvent } from '../../index.ts';
import { element } from './element.ts';
import { toldEvent } from './told.ts';

const MAX_LINES = 500;

/** The events, the latest first: the last 500, those that the filter lets through, and none new while it is paused. */
export class EventLog {
  readonly #list: HTMLOListElement;
  readonly #waiting: HTMLLIElement[] = [];
  #filter = '';
  #isPaused = false;

  constructor(list: HTMLOListElement, filter: HTMLInputElement, pause: HTMLInputElement) {
    this.#list = list;
    filter.addEventListener('input', () => {
      this.#filter = filter.value.toLowerCase();
      for (const line of this.#list.children) if (line instanceof HTMLLIElement) this.#show(line);
    });
    pause.addEventListener('change', () => {
      this.#isPaused = pause.checked;
      if (!this.#isPaused) for (const line of this.#waiting.splice(0)) this.#put(line);
    });
  }

  happened(event: ManagerEvent): void {
    const told = toldEvent(event);
    if (told !== undefined) this.#add(event.at, `${event.serverId ?? event.groupId ?? ''}  ${told}`);
  }

  missed(count: number, at: number): void {
    this.#add(at, `${count} events were left out: this page did not keep up`);
  }

  #add(at: number, text: string): void {
    const when = new Date(at);
    const time = element('time', '', when.toLocaleTimeString());
    time.dateTime = when.toISOString();
    const line = element('li', '', time, text);
    if (!this.#isPaused) this.#put(line);
    else {
      this.#waiting.push(line);
      if (this.#waiting.length > MAX_LINES) this.#waiting.shift();
    }
  }

  #put(line: HTMLLIElement): void {
    this.#show(line);
    this.#list.prepend(line);
    if (this.#list.childElementCount > MAX_LINES) this.#list.lastElementChild?.remove();
  }

  #show(line: HTMLLIElement): void {
    line.hidden = !(line.textContent ?? '').toLowerCase().includes(this.#filter);
  }
}
