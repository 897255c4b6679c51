import type { Fault, Link, LinkDriver, LinkEvent, LinkPort, OpenSpec } from '../../src/index.ts';
import { LinkError } from '../../src/link/fault.ts';
import type { Pending, RequestOptions } from '../../src/link/link.ts';
import type { SimulatedServers } from '../../src/testing/index.ts';
import { lateMark, type Standing } from './history.ts';
import { keyOf, type Recorder } from './recorder.ts';

/** What is asked about a call at the moment at which it is handed to a link. */
export interface Witness {
  standing(serverId: string): Standing;
  /** A member of the group that was called which takes calls, though this one does not. */
  better(serverId: string, key: string): string | null;
  isLastResort(key: string): boolean;
}

/** The links of simulated servers, with everything that they are asked for written down. */
export class RecordedLinks {
  readonly links: LinkPort;
  readonly #servers: SimulatedServers;
  readonly #recorder: Recorder;
  readonly #witness: Witness;
  readonly #present = new Map<string, Link>();
  readonly #past: OpenSpec[] = [];
  #wires = 0;

  constructor(servers: SimulatedServers, recorder: Recorder, witness: Witness) {
    this.#servers = servers;
    this.#recorder = recorder;
    this.#witness = witness;
    this.links = (target) => this.#driver(servers.links(target));
  }

  /** True while the server's latest link takes requests. */
  isOpen(serverId: string): boolean {
    return this.#present.get(serverId)?.isOpen === true;
  }

  /** A link that was let go says something all the same, as a driver that breaks its promise would have it. */
  speakLate(pick: (specs: readonly OpenSpec[]) => OpenSpec, what: 'down' | 'fault' | 'opened'): void {
    const old = this.#past.filter(
      (spec) => spec.generation < (this.#servers.server(spec.serverId).generations.at(-1) ?? 0),
    );
    if (old.length === 0) return;
    const { serverId, generation, onEvent } = pick(old);
    const fault: Fault = { kind: 'protocol', code: 'late', message: lateMark };
    this.#recorder.note({ kind: 'late word', serverId, generation });
    onEvent(
      what === 'opened' ? { type: 'opened', facts: { ...noFacts, instructions: lateMark } } : { type: what, fault },
    );
  }

  #driver(driver: LinkDriver): LinkDriver {
    return {
      name: driver.name,
      open: (spec) => {
        const { serverId, generation } = spec;
        const onEvent = (event: LinkEvent): void => {
          if (event.type === 'down') this.#recorder.note({ kind: 'down', serverId, generation, fault: event.fault });
          spec.onEvent(event);
        };
        const link = driver.open({ ...spec, onEvent });
        const live = this.#servers.server(serverId).liveLinks;
        this.#recorder.note({ kind: 'opened', serverId, generation, live });
        this.#past.push(spec);
        const recorded = this.#recorded(link, spec);
        this.#present.set(serverId, recorded);
        return recorded;
      },
    };
  }

  #recorded(link: Link, { serverId, generation }: OpenSpec): Link {
    return {
      get isOpen() {
        return link.isOpen;
      },
      close: (mode) => link.close(mode),
      notify: (method, params) => link.notify(method, params),
      probe: () => {
        const wire = ++this.#wires;
        this.#recorder.note({ kind: 'probe', serverId, generation, wire });
        return this.#watched(link.probe(), wire);
      },
      request: (method, params, options?: RequestOptions) => {
        if (method !== 'tools/call') return link.request(method, params, options);
        const wire = ++this.#wires;
        const key = keyOf(params?.['arguments']);
        const { standing, better, isLastResort } = this.#witness;
        this.#recorder.note({
          kind: 'sent',
          serverId,
          generation,
          key,
          wire,
          standing: standing(serverId),
          better: better(serverId, key),
          lastResort: isLastResort(key),
        });
        return this.#watched(link.request(method, params, options), wire);
      },
    };
  }

  #watched<Answer>(pending: Pending<Answer>, wire: number): Pending<Answer> {
    let isOver = false;
    const over = (how: 'answered' | 'refused' | 'lost' | 'cancelled' | 'unsent'): void => {
      if (isOver) return;
      isOver = true;
      this.#recorder.note({ kind: 'over', wire, how });
    };
    pending.answer.then(
      () => {
        over('answered');
      },
      (error: unknown) => {
        over(howItFailed(error));
      },
    );
    return {
      answer: pending.answer,
      cancel: () => {
        over('cancelled');
        pending.cancel();
      },
    };
  }
}

const noFacts = {
  era: 'legacy',
  protocolVersion: null,
  info: null,
  capabilities: {},
  instructions: null,
  pid: null,
} as const;

function howItFailed(error: unknown): 'answered' | 'refused' | 'lost' | 'cancelled' | 'unsent' {
  if (!(error instanceof LinkError)) return 'lost';
  const { failure } = error;
  if (failure.kind === 'rpc') return 'answered';
  if (failure.kind === 'aborted') return 'cancelled';
  if (failure.kind === 'refused') return 'refused';
  return failure.sent ? 'lost' : 'unsent';
}
