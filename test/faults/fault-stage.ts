import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { ManagerConfig, ManagerPorts, Session } from '../../src/index.ts';
import { firstConnection, textOf } from '../e2e/stage.ts';
import { RemoteStage } from '../e2e/remote-stage.ts';
import { HttpFixture } from '../support/http-fixture.ts';

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
  #neighbour: Session | undefined;
  #answered = 0;
  readonly #owned: { kill(): Promise<void> }[] = [];

  static async withNeighbour(
    config: Partial<ManagerConfig> = {},
    ports: Partial<ManagerPorts> = {},
  ): Promise<FaultStage> {
    const stage = new FaultStage(config, ports);
    stage.#neighbour = await stage.hold('neighbour', neighbourServer);
    return stage;
  }

  /** Calls the neighbour, here and now. */
  async neighbourAnswers(): Promise<void> {
    const text = `call ${(this.#answered += 1)}`;
    expect(await textOf(this.neighbour.callTool('echo', { text }))).toBe(text);
  }

  get neighbour(): Session {
    if (this.#neighbour === undefined) throw new Error('the stage was not made by withNeighbour');
    return this.#neighbour;
  }

  /** Ends the server with the stage. */
  owns<Owned extends { kill(): Promise<void> }>(server: Owned): Owned {
    this.#owned.push(server);
    return server;
  }

  override async close(options?: { drainMs?: number }): Promise<void> {
    await this.neighbourAnswers();
    expect(this.story('neighbour')).toEqual(firstConnection);
    expect(this.neighbour.info).toMatchObject({
      state: 'healthy',
      generation: 1,
      successfulRequests: this.#answered,
      failedRequests: 0,
      activeRequests: 0,
      failedHealthChecks: 0,
      lastError: null,
    });
    await super.close(options);
  }

  override async end(): Promise<void> {
    await this.manager.close({ drainMs: 0 });
    for (const server of this.#owned) await server.kill();
    await super.end();
  }
}
