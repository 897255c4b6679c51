import { replyTo, text, tool } from '../servers/lean-answers.mjs';

const server = { tools: [tool('ok')], call: () => text('ok') };

/** A transport with its server behind it in the same process, which answers in the next turn of the event loop, as one outside does. */
export class InMemoryTransport {
  async start() {}

  async send(message) {
    const reply = replyTo(message, server);
    if (reply !== undefined) setImmediate(() => this.onmessage?.(reply));
  }

  async close() {
    this.onclose?.();
  }
}
