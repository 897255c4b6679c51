import { expect } from 'vitest';
import type { Session } from '../../src/index.ts';
import { firstConnection, textOf, type Stage } from '../e2e/stage.ts';

/** A healthy server beside the faulty ones, to which nothing may happen whatever happens to them. */
export class Neighbour {
  readonly session: Session;
  readonly #stage: Stage;
  #answered = 0;

  constructor(stage: Stage, session: Session) {
    this.#stage = stage;
    this.session = session;
  }

  /** Calls it, here and now. */
  async answers(): Promise<void> {
    const text = `call ${(this.#answered += 1)}`;
    expect(await textOf(this.session.callTool('echo', { text }))).toBe(text);
  }

  /** It answers; it always did; nothing was told of it, and nothing counted against it. */
  async expectUntouched(): Promise<void> {
    await this.answers();
    expect(this.#stage.story(this.session.id)).toEqual(firstConnection);
    expect(this.session.info).toMatchObject({
      state: 'healthy',
      generation: 1,
      successfulRequests: this.#answered,
      failedRequests: 0,
      activeRequests: 0,
      failedHealthChecks: 0,
      lastError: null,
    });
  }
}
