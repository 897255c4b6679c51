import { isHoldfastError, type CallOptions } from '../../src/index.ts';
import type { SeededRandom } from '../../src/testing/index.ts';
import type { CallEnd, PlannedCall } from './history.ts';
import { keyOf } from './recorder.ts';
import type { Stage } from './stage.ts';

/** Calls in an open loop, about five a second, whatever becomes of them. */
export class Traffic {
  made = 0;
  pending = 0;
  readonly #stage: Stage;
  readonly #random: SeededRandom;

  constructor(stage: Stage, random: SeededRandom) {
    this.#stage = stage;
    this.#random = random;
  }

  /** Time to the next calls. */
  get gapMs(): number {
    return this.#random.between(100, 480);
  }

  /** Makes one call, now and then several at once. */
  call(): void {
    const many = this.#random.chance(0.04) ? this.#random.whole(3, 8) : 1;
    const to = this.#target();
    for (let each = 0; each < many; each += 1) this.#make(to);
  }

  #target(): PlannedCall['to'] {
    const random = this.#random;
    const { cast, manager, troubled, favourite } = this.#stage;
    if (random.chance(0.06)) return { server: 'bystander' };
    if (favourite !== null && random.chance(0.4)) return { server: favourite };
    const chosen = random.chance(0.4) ? [...troubled] : [];
    const server = random.pick(chosen.length > 0 ? chosen : cast.servers.map(({ id }) => id));
    const way = random.next();
    if (way < 0.2) {
      const { tools } = manager.catalog;
      if (tools.length > 0) return { catalog: random.pick(tools).name };
    }
    if (way < 0.45) {
      const groups = cast.groups.filter(({ members }) => members.includes(server));
      return { group: random.pick(groups.length > 0 ? groups : cast.groups).id };
    }
    return { server };
  }

  #make(to: PlannedCall['to']): void {
    const random = this.#random;
    const { manager, recorder, clock, groupOfKey } = this.#stage;
    const isPlain = 'server' in to && to.server === 'bystander';
    const listed = 'catalog' in to ? manager.catalog.tools.find(({ name }) => name === to.catalog) : undefined;
    const tool = toolNamed(listed?.tool.name) ?? random.pick(['write', 'write', 'read', 'repeat'] as const);
    const timeoutMs = !isPlain && random.chance(0.3) ? random.pick([500, 1_000, 3_000]) : null;
    const abortAfterMs = !isPlain && random.chance(0.1) ? random.between(0, 3_000) : null;
    const insists = !isPlain && random.chance(0.08);
    this.made += 1;
    const key = `k${this.made}`;
    const options = optionsOf({
      timeoutMs,
      insists,
      waitForReadyMs: random.chance(0.2) ? random.pick([0, 10_000]) : null,
    });
    const group =
      'group' in to ? to.group : listed !== undefined && 'group' in listed.via ? listed.via.group : undefined;
    if (group !== undefined) groupOfKey.set(key, group);
    recorder.note({ kind: 'began', call: { key, tool, to, timeoutMs, insists, abortAfterMs } });
    const aborting = abortAfterMs === null ? undefined : new AbortController();
    const timer = aborting && clock.arrive(() => aborting.abort(new Error('nobody waits any more')), abortAfterMs ?? 0);
    const all: CallOptions = { ...options, signal: aborting?.signal };
    this.pending += 1;
    const run = async (): Promise<CallEnd> => {
      try {
        const args = { key };
        if ('catalog' in to) return success(await manager.callTool(to.catalog, args, all));
        const caller = 'group' in to ? manager.group(to.group) : manager.session(to.server);
        return success(await caller.callTool(tool, args, all));
      } catch (error) {
        return failure(error);
      }
    };
    void run().then((end) => {
      this.pending -= 1;
      clock.clearTimeout(timer);
      recorder.note({ kind: 'ended', key, end });
    });
  }
}

function optionsOf(given: {
  readonly timeoutMs: number | null;
  readonly insists: boolean;
  readonly waitForReadyMs: number | null;
}): CallOptions {
  return {
    timeoutMs: given.timeoutMs ?? undefined,
    evenIfUnhealthy: given.insists,
    waitForReadyMs: given.waitForReadyMs ?? undefined,
  };
}

function toolNamed(name: string | undefined): PlannedCall['tool'] | undefined {
  return name === 'write' || name === 'read' || name === 'repeat' ? name : undefined;
}

function success({ content: [first] }: { readonly content: readonly unknown[] }): CallEnd {
  const text = typeof first === 'object' && first !== null && 'text' in first ? first.text : undefined;
  const echoed = typeof text === 'string' ? keyOf(JSON.parse(text)) : null;
  return { ok: true, outcome: 'executed', code: '', isTyped: true, echoed, text: '' };
}

function failure(error: unknown): CallEnd {
  const text = textOf(error);
  if (!isHoldfastError(error)) return { ok: false, outcome: null, code: '', isTyped: false, echoed: null, text };
  return { ok: false, outcome: error.outcome, code: error.code, isTyped: true, echoed: null, text };
}

/** All that can be read of an error, its causes included. */
export function textOf(thrown: unknown, depth: number = 6): string {
  if (typeof thrown !== 'object' || thrown === null || depth === 0) return String(thrown);
  return Object.getOwnPropertyNames(thrown)
    .map((name) => `${name}: ${textOf(Reflect.get(thrown, name), depth - 1)}`)
    .join('\n');
}
