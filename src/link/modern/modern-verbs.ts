import { Call } from '../engine/call.ts';
import { isRecord } from '../engine/json-rpc.ts';
import type { Fault } from '../fault.ts';
import type { OpenSpec, Pending, RequestOptions, ServerFacts } from '../link.ts';
import type { Channel } from '../sdk/channel.ts';
import { proofOf } from '../sdk/verbs.ts';
import type { Verbs } from '../sdk/verbs.ts';
import { ChangeWatch } from './change-watch.ts';
import {
  CLIENT_CAPABILITIES,
  CLIENT_INFO,
  enveloped,
  LOG_LEVEL,
  MODERN_VERSIONS,
  PROTOCOL_VERSION,
  SUBSCRIBED,
} from './envelope.ts';
import type { Envelope } from './envelope.ts';
import { InputRounds } from './input-rounds.ts';
import { ParamHeaders } from './param-headers.ts';
import { ResultCache } from './result-cache.ts';
import { TASKS, TaskVerbs } from './task-verbs.ts';

/** None of these may throw. */
export interface ModernVerbsListeners {
  readonly onFault: (fault: Fault) => void;
  readonly onNotice: (method: string, params: unknown) => void;
}

type Params = Readonly<Record<string, unknown>> | undefined;

/**
 * The modern era over an open link: every message says which revision, client and capabilities it is of; the server's questions come in
 * its answers; its changes are listened to; and what the revision has no request for any more is done in its own way, so that
 * whoever uses the link need not know the era.
 *
 * | asked for | done |
 * |---|---|
 * | `ping` | `server/discover` |
 * | `logging/setLevel` | kept, and said with every request from then on |
 * | `resources/subscribe`, `resources/unsubscribe` | what `subscriptions/listen` listens to is changed |
 * | `tools/call` with `task`, `tasks/get`, `tasks/result` | by the extension for tasks |
 */
export class ModernVerbs implements Verbs {
  readonly #channel: Channel;
  readonly #watch: ChangeWatch;
  readonly #cache = new ResultCache();
  readonly #tasks: TaskVerbs;
  /** Null on a wire without headers. */
  readonly #headers: ParamHeaders | null;
  #envelope: Envelope;

  constructor(
    channel: Channel,
    facts: ServerFacts,
    hasHeaders: boolean,
    clientInfo: OpenSpec['clientInfo'],
    { onFault, onNotice }: ModernVerbsListeners,
  ) {
    this.#channel = channel;
    this.#envelope = {
      [PROTOCOL_VERSION]: facts.protocolVersion ?? MODERN_VERSIONS[0],
      [CLIENT_INFO]: clientInfo,
      [CLIENT_CAPABILITIES]: channel.questions.capabilities,
    };
    this.#tasks = new TaskVerbs(
      (method, params) => this.#ask(method, params, undefined, true),
      channel.questions,
      onFault,
    );
    this.#headers = hasHeaders ? new ParamHeaders(onFault) : null;
    this.#watch = new ChangeWatch(
      (params) => channel.engine.request('subscriptions/listen', enveloped(params, this.#envelope)),
      facts.capabilities,
      {
        onFault,
        onNotice: (method, params) => {
          this.#cache.hear(method);
          onNotice(method, params);
        },
      },
    );
  }

  /** Begins to listen to the server. */
  open(): void {
    this.#watch.open();
  }

  probe(): Pending<void> {
    return proofOf(this.#channel.engine.request('server/discover', enveloped(undefined, this.#envelope)));
  }

  request(method: string, params: Params, options?: RequestOptions): Pending<Record<string, unknown>> {
    switch (method) {
      case 'ping':
        return this.#ask('server/discover', undefined, options);
      case 'logging/setLevel':
        this.#envelope = { ...this.#envelope, [LOG_LEVEL]: params?.['level'] };
        return ownAnswer({});
      case 'resources/subscribe':
        return this.#watch.subscribe(String(params?.['uri']));
      case 'resources/unsubscribe':
        this.#watch.unsubscribe(String(params?.['uri']));
        return ownAnswer({});
      case 'tasks/get':
        return this.#tasks.get(params ?? {});
      case 'tasks/result':
        return this.#tasks.result(params ?? {});
      case 'tasks/cancel':
        return this.#ask(method, params, options, true);
      default: {
        if (method === 'tools/call' && params?.['task'] !== undefined) {
          const { task: _, ...call } = params;
          return this.#ask(method, call, options, true);
        }
        const fresh = this.#cache.find(method, params);
        return fresh === undefined ? this.#ask(method, params, options) : ownAnswer(fresh);
      }
    }
  }

  hear(method: string, params: unknown): boolean {
    if (method === SUBSCRIBED) {
      this.#watch.acknowledged(params);
      return true;
    }
    this.#cache.hear(method);
    return !this.#watch.isNews(params);
  }

  end(): void {
    this.#watch.end();
  }

  /** `knowsTasks`: the server may make a task of it, or it is about one. */
  #ask(
    method: string,
    params: Params,
    options: RequestOptions | undefined,
    knowsTasks = false,
  ): Pending<Record<string, unknown>> {
    const { engine, questions } = this.#channel;
    let asked: Record<string, unknown>;
    try {
      asked = enveloped(params, knowsTasks ? withTasks(this.#envelope) : this.#envelope);
    } catch (error) {
      return Call.failed({ kind: 'link', sent: false, fault: NOT_JSON }, error);
    }
    const headers = this.#headers?.of(method, params);
    const send = (more?: Readonly<Record<string, unknown>>) =>
      engine.request(method, more === undefined ? asked : { ...asked, ...more }, { ...options, headers });
    const rounds = new InputRounds(send(), send, questions, knowsTasks);
    return {
      answer: rounds.answer.then((result) => this.#note(method, params, result)),
      cancel: () => rounds.cancel(),
    };
  }

  #note(method: string, params: Params, result: Record<string, unknown>): Record<string, unknown> {
    const noted = method === 'tools/list' && this.#headers !== null ? this.#headers.note(result) : result;
    this.#cache.keep(method, params, noted);
    return noted;
  }
}

function withTasks(envelope: Envelope): Envelope {
  const capabilities = envelope[CLIENT_CAPABILITIES];
  return {
    ...envelope,
    [CLIENT_CAPABILITIES]: { ...(isRecord(capabilities) && capabilities), extensions: { [TASKS]: {} } },
  };
}

function ownAnswer(result: Record<string, unknown>): Pending<Record<string, unknown>> {
  return { answer: Promise.resolve(result), cancel: () => undefined, isOwnAnswer: true };
}

/** Only of params with a getter that throws: the transports find out the rest. */
const NOT_JSON: Fault = { kind: 'internal', code: 'not-json', message: 'The params of the request have no JSON form.' };
