import type { GroupInfo } from '../../index.ts';
import { countdownWords } from '../../words/session-words.ts';
import { button, element, setText } from './element.ts';

const words = { onPrimary: 'on primary', onBackup: 'on backup', unavailable: 'unavailable' } as const;
const looks = { onPrimary: 'healthy', onBackup: 'degraded', unavailable: 'unhealthy' } as const;

/** The card of one group. */
export class GroupCard {
  readonly root = element('article', 'card');
  readonly #state = element('span', 'state-word');
  readonly #why = element('p', 'why');
  readonly #members = element('ul', 'members');
  #info: GroupInfo;

  constructor(info: GroupInfo, post: (path: string) => Promise<void>) {
    this.#info = info;
    const { id } = info;
    const path = `/api/groups/${encodeURIComponent(id)}`;
    this.root.append(
      element('div', 'top', element('h3', '', id), this.#state),
      this.#members,
      this.#why,
      element(
        'p',
        'buttons',
        button('Fail over', id, () => post(`${path}/fail-over`)),
        button('Fail back', id, () => post(`${path}/fail-back`)),
      ),
    );
    this.root.setAttribute('aria-label', `group ${id}`);
  }

  update(info: GroupInfo, now: number): void {
    this.#info = info;
    this.root.dataset['state'] = looks[info.state];
    setText(this.#state, words[info.state]);
    this.#members.replaceChildren(
      ...info.members.map((member) => {
        const item = element(
          'li',
          member.active ? 'active' : '',
          element('span', 'mark', member.priority === 0 ? 'primary' : 'backup'),
          element('span', '', member.id),
          element('span', 'state-word', `${member.state}${member.active ? ', active' : ''}`),
        );
        item.dataset['state'] = member.state;
        return item;
      }),
    );
    this.tick(now);
  }

  /** `now`: by the service's clock. */
  tick(now: number): void {
    const { failbackAt, failbackTo, lastSwitch, switches, heldByHand } = this.#info;
    const parts = [`${switches} ${switches === 1 ? 'switch' : 'switches'}`];
    if (lastSwitch !== null) parts.push(`last ${lastSwitch.from} → ${lastSwitch.to}: ${lastSwitch.reason}`);
    if (failbackAt !== null && failbackTo !== null)
      parts.push(`back on ${failbackTo} ${countdownWords(failbackAt - now)}`);
    if (heldByHand) parts.push('held by hand');
    setText(this.#why, parts.join('; '));
  }
}
