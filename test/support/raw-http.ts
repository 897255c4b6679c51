import { request, type IncomingHttpHeaders } from 'node:http';

/** What came back of a request, as far as it came. */
export interface Exchange {
  /** Null where the connection ended before the headers. */
  readonly status: number | null;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** `complete`, or the code with which the connection ended before the message did. */
  readonly end: string;
}

export interface RawRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Called with all of the body that has come; true ends the request, which is then `left`. */
  readonly leaveWhen?: ((body: string) => boolean) | undefined;
}

/** One HTTP request on a connection of its own, without any client's opinions; never rejects. */
export function exchange(
  url: string,
  { method = 'POST', headers = {}, body, leaveWhen }: RawRequest,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const heard: { status: number | null; headers: IncomingHttpHeaders; body: string } = {
      status: null,
      headers: {},
      body: '',
    };
    const asking = request(url, {
      agent: false,
      method,
      headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json', ...headers },
    });
    const settle = (end: string): void => {
      resolve({ ...heard, end });
      asking.destroy();
    };
    asking.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    asking.on('response', (response) => {
      heard.status = response.statusCode ?? null;
      heard.headers = response.headers;
      response.setEncoding('utf8').on('data', (chunk: string) => {
        heard.body += chunk;
        if (leaveWhen?.(heard.body)) settle('left');
      });
      response.on('end', () => settle('complete'));
      response.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    });
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A session with the fault server, as a client without any manners of its own would hold it. */
export class RawSession {
  readonly url: string;
  readonly headers: Record<string, string>;
  #nextId = 1;

  private constructor(url: string, headers: Record<string, string>) {
    this.url = url;
    this.headers = headers;
  }

  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<RawSession> {
    const session = new RawSession(url, { ...headers });
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } };
    const answer = await session.ask('initialize', params);
    const id = answer.headers['mcp-session-id'];
    if (typeof id === 'string') session.headers['mcp-session-id'] = id;
    await session.send({ method: 'notifications/initialized' });
    return session;
  }

  /** One request; its id is counted up from 1, `initialize` among them. */
  ask(method: string, params?: unknown, leaveWhen?: RawRequest['leaveWhen']): Promise<Exchange> {
    const body = { jsonrpc: '2.0', id: this.#nextId, method, params };
    this.#nextId += 1;
    return exchange(this.url, { headers: this.headers, body, leaveWhen });
  }

  call(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<Exchange> {
    return this.ask('tools/call', { name, arguments: args });
  }

  send(message: Readonly<Record<string, unknown>>): Promise<Exchange> {
    return exchange(this.url, { headers: this.headers, body: { jsonrpc: '2.0', ...message } });
  }

  listen(leaveWhen: RawRequest['leaveWhen'], lastEventId?: string): Promise<Exchange> {
    const resume = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return exchange(this.url, { method: 'GET', headers: { ...this.headers, ...resume }, leaveWhen });
  }
}
