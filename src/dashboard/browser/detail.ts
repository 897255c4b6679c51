import type { ConnectionInfo, Tool } from '../../index.ts';
import type { CallAnswer, Charts, SessionDetail } from '../../service/wire.ts';
import { stateWord, stateWords } from '../../words/session-words.ts';
import { argumentsOf, fieldsOf } from './call-form.ts';
import type { Field } from './call-form.ts';
import { get, post } from './connection.ts';
import type { Answer } from './connection.ts';
import { element, setText } from './element.ts';
import { litPaths, nextPaths, shortName } from './model-states.ts';

/** What is known of one server at length: its statechart with the present states lit, and its tools, each with a form to call it. */
export class Detail {
  readonly #dialog: HTMLDialogElement;
  readonly #state = element('p', 'state-word');
  readonly #chart = element('div');
  readonly #next = element('p', 'why');
  #charts: Promise<Answer<Charts>> | null = null;
  #id: string | null = null;

  constructor(dialog: HTMLDialogElement) {
    this.#dialog = dialog;
    dialog.addEventListener('close', () => {
      this.#id = null;
    });
  }

  /** The server that is shown; null while none is. */
  get id(): string | null {
    return this.#id;
  }

  async open(info: ConnectionInfo): Promise<void> {
    const { id } = info;
    this.#id = id;
    const title = element('h2', '', id);
    title.id = 'detail-title';
    const close = element('button', '', 'Close');
    close.addEventListener('click', () => {
      this.#dialog.close();
    });
    const tools = element('section', '', element('h3', '', 'Tools'), element('p', 'why', 'asking …'));
    this.#chart.replaceChildren();
    this.#dialog.replaceChildren(element('div', 'tools', title, close), this.#state, this.#chart, this.#next, tools);
    this.#dialog.showModal();
    this.update(info);
    this.#charts ??= get<Charts>('/api/charts');
    const [charts, answer] = await Promise.all([
      this.#charts,
      get<SessionDetail>(`/api/sessions/${encodeURIComponent(id)}`),
    ]);
    if (this.#id !== id) return;
    // Ours, and not of any server.
    if (charts.ok) this.#chart.replaceChildren(drawingOf(charts.body.session));
    this.update(answer.ok ? answer.body.session : info);
    tools.replaceChildren(element('h3', '', 'Tools'), ...toolsOf(id, answer));
  }

  update(info: ConnectionInfo): void {
    if (info.id !== this.#id) return;
    this.#dialog.dataset['state'] = stateWord(info);
    setText(this.#state, `${stateWords(info)}${info.reason === null ? '' : `: ${info.reason}`}`);
    this.#light(litPaths(info.phase, info.circuit, info.onProbation));
  }

  #light(lit: readonly string[]): void {
    const states = [...this.#chart.querySelectorAll('.state')];
    const next = nextPaths(
      lit,
      new Map(
        states.map((state) => [state.getAttribute('data-path') ?? '', state.getAttribute('data-leads-to') ?? '']),
      ),
    );
    for (const state of states) {
      const path = state.getAttribute('data-path') ?? '';
      state.classList.toggle('lit', lit.includes(path));
      state.classList.toggle('leaf', lit.includes(path) && state.querySelector('.state') === null);
      state.classList.toggle('next', next.includes(path));
    }
    setText(this.#next, next.length === 0 ? '' : `It can go on to (outlined): ${next.map(shortName).join(', ')}.`);
  }
}

function drawingOf(svg: string): Node {
  const { documentElement } = new DOMParser().parseFromString(svg, 'image/svg+xml');
  return document.importNode(documentElement, true);
}

function toolsOf(server: string, answer: Answer<SessionDetail>): readonly Node[] {
  if (!answer.ok) return [element('p', 'why', answer.error.message)];
  const { tools, toolsStale } = answer.body;
  const note = toolsStale ? [element('p', 'why', 'As last known; the server may offer others.')] : [];
  return tools.length === 0 ? [element('p', 'why', 'none')] : [...note, ...tools.map((tool) => toolOf(server, tool))];
}

function toolOf(server: string, tool: Tool): HTMLElement {
  const shown = element('details', 'tool', element('summary', '', tool.name));
  shown.addEventListener(
    'toggle',
    () => {
      shown.append(formOf(server, tool));
    },
    { once: true },
  );
  return shown;
}

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

function formOf(server: string, tool: Tool): HTMLFormElement {
  const form = element('form', 'call');
  if (tool.description !== undefined) form.append(element('small', '', tool.description));
  const inputs = new Map<string, Input>();
  const fields = fieldsOf(tool.inputSchema);
  for (const field of fields) {
    const input = inputOf(field);
    inputs.set(field.name, input);
    const about = `${field.name}${field.isRequired ? '' : ' (optional)'}`;
    form.append(element('label', '', about, input, element('small', '', field.description)));
  }
  const send = element('button', '', `Call ${tool.name}`);
  const result = element('pre', 'result');
  result.hidden = true;
  result.setAttribute('role', 'status');
  form.append(element('p', 'buttons', send), result);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send.disabled = true;
    void call(server, tool.name, fields, inputs).then(({ text, isFailed }) => {
      send.disabled = false;
      result.hidden = false;
      result.classList.toggle('failed', isFailed);
      setText(result, text);
    });
  });
  return form;
}

function inputOf({ kind, choices, isRequired }: Field): Input {
  if (kind === 'json') return element('textarea');
  if (kind === 'choice' || kind === 'flag') {
    const values = kind === 'flag' ? ['true', 'false'] : choices;
    const options = (isRequired ? values : ['', ...values]).map((value) => element('option', '', value));
    return element('select', '', ...options);
  }
  const input = element('input');
  input.inputMode = kind === 'number' ? 'decimal' : 'text';
  return input;
}

interface Said {
  readonly text: string;
  readonly isFailed: boolean;
}

async function call(
  server: string,
  tool: string,
  fields: readonly Field[],
  inputs: ReadonlyMap<string, Input>,
): Promise<Said> {
  let args: Record<string, unknown>;
  try {
    args = argumentsOf(fields, ({ name }) => inputs.get(name)?.value ?? '');
  } catch (error) {
    return { text: error instanceof Error ? error.message : '', isFailed: true };
  }
  const answer = await post<CallAnswer>(`/api/sessions/${encodeURIComponent(server)}/call`, { tool, arguments: args });
  if (!answer.ok) {
    const { code, message, outcome } = answer.error;
    return { text: `${message}${outcome === 'unknown' ? ' It may have run.' : ''} (${code})`, isFailed: true };
  }
  const { result, durationMs, served } = answer.body;
  const parts = result.content.map((content) =>
    content.type === 'text' ? content.text : JSON.stringify(content, null, 2),
  );
  if (result.structuredContent !== undefined) parts.push(JSON.stringify(result.structuredContent, null, 2));
  const head = `${result.isError === true ? 'the tool says that it failed' : 'done'}, ${durationMs} ms, generation ${served.generation}`;
  return { text: [head, ...parts].join('\n\n'), isFailed: result.isError === true };
}
