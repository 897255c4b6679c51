import { WebSocket } from 'ws';
import type { InspectorFrame } from '../../src/inspect/inspector-frame.ts';

/** One who looks on. */
export class Viewer {
  readonly frames: InspectorFrame[] = [];
  readonly socket: WebSocket;
  /** How it ended: the status that it was refused with, or the code and reason of the close. */
  readonly ended: Promise<string>;
  #woken: () => void = () => undefined;

  constructor(url: string, protocols: readonly string[], headers: Readonly<Record<string, string>> = {}) {
    this.socket = new WebSocket(url, [...protocols], { headers });
    this.socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString('utf8')));
      this.#woken();
    });
    this.ended = new Promise((resolve) => {
      this.socket.on('unexpected-response', (request, response) => {
        resolve(String(response.statusCode));
        request.destroy();
      });
      this.socket.on('error', () => undefined);
      this.socket.on('close', (code, reason) => {
        resolve(`${code} ${reason.toString()}`);
      });
    });
  }

  async leave(): Promise<void> {
    this.socket.terminate();
    await this.ended;
  }

  /** Waits until what was told so far is enough. */
  async until(isEnough: (frames: readonly InspectorFrame[]) => boolean): Promise<void> {
    while (!isEnough(this.frames)) {
      await new Promise<void>((resolve) => {
        this.#woken = resolve;
      });
    }
  }

  /** What was told, in a few words each. */
  get words(): string[] {
    return this.frames.map((frame) => {
      const name = this.#nameOf(frame.sessionId);
      switch (frame.type) {
        case '@xstate.actor':
          return `actor ${frame.name} below ${frame.parentId === undefined ? 'nothing' : this.#nameOf(frame.parentId)}`;
        case '@xstate.event':
          return `event ${name}`;
        case '@xstate.snapshot':
          return `snapshot ${name}`;
      }
    });
  }

  #nameOf(sessionId: string): string {
    const actor = this.frames.find((frame) => frame.type === '@xstate.actor' && frame.sessionId === sessionId);
    return actor?.type === '@xstate.actor' ? actor.name : `(unknown ${sessionId})`;
  }
}
