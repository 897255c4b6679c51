import type { LinkTarget } from '../target.ts';
import { createCustomWire } from './custom-wire.ts';
import { StdioWire } from './stdio-wire.ts';
import type { StdioWireListeners } from './stdio-wire.ts';
import type { CreateSseTransport } from './http-wire.ts';
import type { Wire } from './wire.ts';

/** Makes the wire of one generation. Rejects with what a factory threw, or with a `LinkError` for a target that is wrong. */
export async function obtainWire(target: LinkTarget, listeners: StdioWireListeners): Promise<Wire> {
  switch (target.kind) {
    case 'stdio':
      return new StdioWire(target, listeners);
    case 'http':
      // Whoever has no HTTP server does not pay for an HTTP client.
      return (await import('./http-wire.ts')).HttpWire.create(target, createSseTransport);
    case 'webSocket':
      return new (await import('./web-socket-wire.ts')).WebSocketWire(target);
    case 'custom':
      return createCustomWire(await target.factory());
    case 'once':
      return createCustomWire(target.transport);
  }
}

const createSseTransport: CreateSseTransport = async (options) =>
  new (await import('../http/sse-transport.ts')).SseTransport(options);
