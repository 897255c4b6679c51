import { sdkV2Driver } from '../../../src/link/sdk-v2/sdk-v2-driver.ts';
import type { ServerRequestHandlers } from '../../../src/link/link.ts';
import { Owner } from '../sdk/owner.ts';
import { ScriptedTransport, type WireMessage } from '../sdk/scripted-transport.ts';

export const PROTOCOL = {
  version: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const;

/** A server of the modern era that shakes hands, and does for the rest what a test tells it. */
export class ModernServer {
  readonly transport: ScriptedTransport;
  readonly owner: Owner;

  constructor(capabilities: Record<string, unknown>, handlers?: ServerRequestHandlers) {
    this.transport = new ScriptedTransport({
      send: (message) => {
        if (message.method !== 'server/discover' || this.requests('server/discover').length > 1) return;
        queueMicrotask(() => {
          this.transport.answer(message.id, {
            resultType: 'complete',
            supportedVersions: ['2026-07-28'],
            capabilities,
            ttlMs: 0,
            cacheScope: 'private',
          });
        });
      },
    });
    this.owner = new Owner(
      { kind: 'once', transport: this.transport },
      { driver: sdkV2Driver, protocol: 'modern', ...(handlers && { handlers }) },
    );
  }

  /** What was asked by this method, in order. */
  requests(method: string): WireMessage[] {
    return this.transport.sent.filter((message) => message.method === method);
  }

  /** The last request of this method. */
  last(method: string): WireMessage {
    const message = this.requests(method).at(-1);
    if (message === undefined) throw new Error(`nobody asked for ${method}`);
    return message;
  }

  /** Agrees to the last `subscriptions/listen`, to all of it or to these. */
  acknowledge(uris?: readonly string[]): void {
    const { id, params } = this.last('subscriptions/listen');
    const asked = params?.['notifications'] as Record<string, unknown>;
    const notifications = uris === undefined ? asked : { ...asked, resourceSubscriptions: uris };
    this.tell('notifications/subscriptions/acknowledged', { notifications }, id);
  }

  /** A notification on the stream of this request. */
  tell(method: string, params: Record<string, unknown>, stream: WireMessage['id']): void {
    this.transport.receive({
      jsonrpc: '2.0',
      method,
      params: { ...params, _meta: { [PROTOCOL.subscription]: stream } },
    });
  }

  /** The URIs that the last `subscriptions/listen` asked for. */
  get listenedTo(): unknown {
    const filter = this.last('subscriptions/listen').params?.['notifications'] as Record<string, unknown>;
    return filter['resourceSubscriptions'];
  }

  /** What the link told as notifications, in order. */
  get notices(): (readonly [string, unknown])[] {
    return this.owner.events.flatMap((event) => {
      if (event.type !== 'notice') return [];
      const { _meta, ...rest } = { _meta: undefined, ...(event.params as object | undefined) };
      return [[event.method, rest] as const];
    });
  }
}
