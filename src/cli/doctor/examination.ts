import type { ServerSpec } from '../../config/index.ts';
import type { SecretRegistry, ServerOptions, Session, SessionManager, ShownError, Tool } from '../../index.ts';
import { dial, endpointOf } from './dial.ts';
import { StepFailedError, failureOf } from './failure.ts';
import type { StepFailure } from './failure.ts';
import { nothingFound } from './findings.ts';
import type { ServerFindings, ServerReport } from './findings.ts';
import { fixFor } from './fixes.ts';
import type { Limits } from './limits.ts';
import { resolveHost, resolveProgram } from './resolve.ts';
import { safeToolOf } from './safe-tool.ts';
import { reachedStage } from './stage.ts';
import { Steps } from './steps.ts';
import type { StepName } from './steps.ts';
import { onOneLine } from '../terminal-text.ts';

/** What looking at a server needs. */
export interface Surgery {
  readonly manager: SessionManager;
  readonly secrets: SecretRegistry;
  readonly defaults: ServerOptions;
  /** The most that connecting and each request may take; undefined: what the configuration allows. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
  readonly onBegin: (id: string, step: StepName) => void;
}

/** Longer than any attempt is let last, so that it is the attempt's own limit that ends it. */
const asLongAsItTakes = 2_147_483_647;
const isTimeout = /timeout$/i;

/** The steps of one server that the configuration is content with. */
export class Examination {
  readonly #spec: ServerSpec;
  readonly #session: Session;
  readonly #limits: Limits;
  readonly #surgery: Surgery;
  readonly #steps: Steps;
  #found: ServerFindings = nothingFound;
  /** The last that was wrong on the connection while it stood, such as lines on stdout that are no messages. */
  #oddity: ShownError | undefined;

  constructor(spec: ServerSpec, session: Session, limits: Limits, surgery: Surgery) {
    this.#spec = spec;
    this.#session = session;
    this.#limits = limits;
    this.#surgery = surgery;
    this.#steps = new Steps({
      signal: surgery.signal,
      scrub: (text) => surgery.secrets.scrub(text),
      failureOf: async (thrown) => this.#explained(await failureOf(thrown, session)),
      fixFor: (step, failure) => fixFor(step, failure, { spec, limits }),
      onBegin: (step) => {
        surgery.onBegin(spec.id, step);
      },
    });
    session.events$.subscribe((event) => {
      if (event.type === 'linkFault') this.#oddity = event.error;
    });
  }

  /** Takes the steps, until one fails. Rejects with the reason of the signal. */
  async run(): Promise<ServerReport> {
    const isWell = (await this.#reach()) && (await this.#talk());
    const { id, transport } = this.#spec;
    return {
      id,
      transport: transport.kind,
      status: isWell ? 'ok' : 'failed',
      steps: this.#steps.taken,
      ...this.#found,
    };
  }

  /** What comes before the session is opened. */
  async #reach(): Promise<boolean> {
    const { transport } = this.#spec;
    const { signal } = this.#surgery;
    if (transport.kind === 'stdio') return this.#steps.take('resolve', () => resolveProgram(transport));
    const endpoint = endpointOf(transport.url);
    return (
      (await this.#steps.take('resolve', async () => (await resolveHost(endpoint.host, signal)).join(', '))) &&
      (await this.#steps.take('dial', () => dial(endpoint, { timeoutMs: this.#limits.connectMs, signal })))
    );
  }

  async #talk(): Promise<boolean> {
    const session = this.#session;
    const steps = this.#steps;
    const { signal } = this.#surgery;
    const attempt = session.ready({ timeoutMs: asLongAsItTakes, signal });
    attempt.catch(() => undefined); // Each step waits for it, but between two of them nobody does.
    const isSpawned =
      this.#spec.transport.kind !== 'stdio' ||
      (await steps.take('spawn', async () => {
        await reachedStage(session, attempt, 'opening');
        await reachedStage(session, attempt, 'spawned');
        return `pid ${session.info.pid ?? 'unknown'}`;
      }));
    return (
      isSpawned &&
      (await steps.take('handshake', async () => {
        await reachedStage(session, attempt, 'greeted');
        return this.#noteServer();
      })) &&
      (await steps.take('probe', async () => {
        await reachedStage(session, attempt, 'probed');
        await session.ping({ signal, timeoutMs: this.#surgery.timeoutMs });
        return 'ping answered';
      })) &&
      (await this.#listAndCall(attempt))
    );
  }

  #noteServer(): string {
    const { serverInfo, protocolVersion, era } = this.#session.info;
    const scrub = (text: string): string => this.#surgery.secrets.scrub(text);
    const server = serverInfo === null ? null : { name: scrub(serverInfo.name), version: scrub(serverInfo.version) };
    this.#found = { ...this.#found, server, protocolVersion, era };
    const name = server === null ? 'a server without a name' : `${server.name} ${server.version}`;
    return `${name}, protocol ${protocolVersion ?? 'unknown'} (${era ?? 'unknown'})`;
  }

  async #listAndCall(attempt: Promise<void>): Promise<boolean> {
    let tools: readonly Tool[] = [];
    const isListed = await this.#steps.take('list', async () => {
      await attempt;
      tools = await this.#ask('tools', (options) => this.#session.listTools(options));
      const resources = await this.#ask('resources', (options) => this.#session.listResources(options));
      const prompts = await this.#ask('prompts', (options) => this.#session.listPrompts(options));
      const names = tools.map(({ name }) => this.#surgery.secrets.scrub(name));
      this.#found = { ...this.#found, tools: names, resources: resources.length, prompts: prompts.length };
      return [count(tools.length, 'tool'), count(resources.length, 'resource'), count(prompts.length, 'prompt')].join(
        ', ',
      );
    });
    return isListed && this.#callOne(tools);
  }

  /** An answer that did not come: there may have been something else in its place. */
  #explained(failure: StepFailure): StepFailure {
    if (this.#oddity === undefined || !isTimeout.test(failure.code)) return failure;
    const { code, message } = this.#oddity;
    return { ...failure, code, detail: `${failure.detail}; ${message}` };
  }

  /** Nothing where the server does not have them. */
  async #ask<T>(
    capability: string,
    list: (options: { readonly timeoutMs: number; readonly signal: AbortSignal }) => Promise<readonly T[]>,
  ): Promise<readonly T[]> {
    if (this.#session.server?.capabilities[capability] === undefined) return [];
    return list({ timeoutMs: this.#limits.callMs, signal: this.#surgery.signal });
  }

  async #callOne(tools: readonly Tool[]): Promise<boolean> {
    const safe = safeToolOf(tools);
    if ('none' in safe) {
      this.#steps.skip('call', safe.none);
      return true;
    }
    const { name } = safe.tool;
    return this.#steps.take('call', async () => {
      const options = { timeoutMs: this.#limits.callMs, signal: this.#surgery.signal };
      const { isError, content } = await this.#session.callTool(name, {}, options);
      if (isError !== true) return name;
      const said = content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join(' ');
      // A secret that is cut short would be known no more.
      const shown = onOneLine(this.#surgery.secrets.scrub(said)).slice(0, 200);
      throw new StepFailedError('tool-error', `${name}: ${shown}`);
    });
  }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}
