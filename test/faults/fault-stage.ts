import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { ManagerConfig, ManagerPorts, Session } from '../../src/index.ts';
import { RemoteStage } from '../e2e/remote-stage.ts';
import { HttpFixture } from '../support/http-fixture.ts';
import { Neighbour } from './neighbour.ts';

let directory: string;
let neighbourServer: HttpFixture;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-neighbour-'));
  neighbourServer = await new HttpFixture({ log: join(directory, 'log') }).start();
});

afterAll(async () => {
  await neighbourServer.kill();
  rmSync(directory, { recursive: true });
});

/**
 * A remote stage whose manager also holds a healthy server. Whatever test uses one ends, with `close`, by the proof that the
 * neighbour was answered all along, and that nothing was told of it and nothing counted against it.
 */
export class FaultStage extends RemoteStage {
  #neighbour: Neighbour | undefined;
  readonly #owned: { kill(): Promise<void> }[] = [];

  static async withNeighbour(
    config: Partial<ManagerConfig> = {},
    ports: Partial<ManagerPorts> = {},
  ): Promise<FaultStage> {
    const stage = new FaultStage(config, ports);
    stage.#neighbour = new Neighbour(stage, await stage.hold('neighbour', neighbourServer));
    return stage;
  }

  /** Calls the neighbour, here and now. */
  async neighbourAnswers(): Promise<void> {
    await this.#held.answers();
  }

  get neighbour(): Session {
    return this.#held.session;
  }

  /** Ends the server with the stage. */
  owns<Owned extends { kill(): Promise<void> }>(server: Owned): Owned {
    this.#owned.push(server);
    return server;
  }

  override async close(options?: { drainMs?: number }): Promise<void> {
    await this.#held.expectUntouched();
    await super.close(options);
  }

  override async end(): Promise<void> {
    await this.manager.close({ drainMs: 0 });
    for (const server of this.#owned) await server.kill();
    await super.end();
  }

  get #held(): Neighbour {
    if (this.#neighbour === undefined) throw new Error('the stage was not made by withNeighbour');
    return this.#neighbour;
  }
}
