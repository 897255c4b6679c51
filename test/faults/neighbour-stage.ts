import { join } from 'node:path';
import type { ConnectLimiter, ManagerConfig, ManagerPorts, ServerTarget } from '../../src/index.ts';
import { Stage, untiring } from '../e2e/stage.ts';
import { Neighbour } from './neighbour.ts';

const fixtures = join(import.meta.dirname, '..', 'fixtures');

/** Long enough for any machine. */
export const patience = { timeoutMs: 60_000 };

/** No check comes by itself: only what a test brings about has any effect. */
export const unchecked = { ...untiring, healthCheck: { intervalMs: 3_600_000 } } as const;

/** Short, but long enough that a busy test machine is not for ever taken for the cause of the silence. */
export const checkedOften = { ...untiring, healthCheck: { intervalMs: 200, timeoutMs: 400 } } as const;

/** Grants every attempt at once, for tests that reconnect by the hundred. */
export const unpaced: ConnectLimiter = {
  request: (_ask, granted) => {
    granted({ release: () => undefined });
    return () => undefined;
  },
};

/**
 * A stage on which a healthy server stands beside the faulty ones. Its `close` proves that whatever happened to the others, the
 * neighbour answered, nothing was told of it, and nothing was counted against it.
 */
export class NeighbourStage extends Stage {
  #neighbour: Neighbour | undefined;

  static async open(config: Partial<ManagerConfig> = {}, ports: Partial<ManagerPorts> = {}): Promise<NeighbourStage> {
    const stage = new NeighbourStage(config, ports);
    stage.#neighbour = new Neighbour(stage, await stage.add('neighbour', stage.server('neighbour'), unchecked));
    return stage;
  }

  /** The server that breaks the protocol, with its faults as on its command line. */
  ruleBreaker(id: string, faults = '', later = ''): ServerTarget {
    const script = join(fixtures, 'stdio-faults-protocol.mjs');
    return this.command(id, process.execPath, [script, `fault=${faults}`, `later=${later}`, `log=${this.#logOf(id)}`]);
  }

  /** The server whose replies end where the caller says. */
  cutting(id: string): ServerTarget {
    return this.command(id, '/bin/sh', [join(fixtures, 'stdio-faults-cut.sh'), this.#logOf(id)]);
  }

  /** Calls the neighbour, here and now. */
  async neighbourAnswers(): Promise<void> {
    await this.#held.answers();
  }

  override async close(options?: { drainMs?: number }): Promise<void> {
    await this.#held.expectUntouched();
    await super.close(options);
  }

  get #held(): Neighbour {
    if (this.#neighbour === undefined) throw new Error('the stage was not made by open()');
    return this.#neighbour;
  }

  #logOf(id: string): string {
    return join(this.directory, `${id}.log`);
  }
}
