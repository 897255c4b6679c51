type Child = Node | string;

/** An element with a class and children. Text becomes text, whatever is in it: nothing is ever read as markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** A button that says what it does and to what, and cannot be pressed again until that is over. */
export function button(label: string, about: string, run: () => Promise<void>): HTMLButtonElement {
  const made = element('button', '', label);
  made.type = 'button';
  made.setAttribute('aria-label', `${label} ${about}`);
  made.addEventListener('click', () => {
    made.disabled = true;
    void run().finally(() => {
      made.disabled = false;
    });
  });
  return made;
}

/** The element of the page with this id. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${id}.`);
  return found;
}

/** Changes the text only where it differs, so that what is selected or read aloud is left alone. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}
