import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Refusal } from '../service/index.ts';
import type { Running } from './runtime-file.ts';

/** What the service answered. */
export type ServiceAnswer<T> =
  | { readonly ok: true; readonly body: T }
  | { readonly ok: false; readonly status: number; readonly error: Refusal['error'] };

type Way = Pick<Running, 'url' | 'socketPath' | 'token'>;

/** Asks a service of holdfast's over its own interface. */
export class ServiceClient {
  readonly #way: Way;

  constructor(way: Way) {
    this.#way = way;
  }

  /** `T` is what the service answers there. Rejects with a Node error when nobody answers. */
  async get<T>(path: string): Promise<ServiceAnswer<T>> {
    return this.#answer<T>(await this.#send('GET', path));
  }

  async post<T>(path: string, body: unknown, signal?: AbortSignal): Promise<ServiceAnswer<T>> {
    return this.#answer<T>(await this.#send('POST', path, body, signal));
  }

  /** The body of an answer that does not end. Rejects when it is refused. */
  async stream(path: string, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#send('GET', path, undefined, signal);
    if (response.statusCode === 200) return response;
    response.resume();
    throw new Error(`The service refuses ${path} (${response.statusCode ?? 0}).`);
  }

  async #answer<T>(response: IncomingMessage): Promise<ServiceAnswer<T>> {
    let text = '';
    response.setEncoding('utf8');
    for await (const chunk of response) text += String(chunk);
    const status = response.statusCode ?? 0;
    // Whoever answers has the token that only the service of this user has.
    if (status < 400) return { ok: true, body: JSON.parse(text) };
    const { error }: Refusal = JSON.parse(text);
    return { ok: false, status, error };
  }

  #send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<IncomingMessage> {
    const { url, socketPath, token } = this.#way;
    const options = {
      method,
      agent: false as const,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(signal === undefined ? {} : { signal }),
    };
    return new Promise((resolve, reject) => {
      const asking =
        url === null
          ? request({ ...options, socketPath: socketPath ?? '', path })
          : request(new URL(path, url), options);
      asking.once('response', resolve);
      asking.once('error', reject);
      asking.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
