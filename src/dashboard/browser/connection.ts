import type { Changes, Happened, Missed, Overview, Refusal } from '../../service/wire.ts';

/** Who hears what the service tells. */
export interface Listener {
  snapshot(overview: Overview): void;
  changes(changes: Changes): void;
  happened(event: Happened): void;
  missed(missed: Missed): void;
  /** The stream is there, or not. */
  connected(isConnected: boolean): void;
  /** The service wants the token. */
  locked(): void;
}

/** What the service answered to a request. */
export type Answer<T> =
  | { readonly ok: true; readonly body: T }
  | { readonly ok: false; readonly error: Refusal['error'] };

/** Shows the service the token; it answers with a cookie. False when it is the wrong one. */
export async function logIn(token: string): Promise<boolean> {
  return (await send('/login', { token })).status === 204;
}

/** Listens to the stream for as long as the page is open. The browser connects again by itself; each time, everything is told anew. */
export function listen(listener: Listener): void {
  const source = new EventSource('/api/events');
  source.addEventListener('snapshot', ({ data }) => {
    listener.connected(true);
    listener.snapshot(JSON.parse(data));
  });
  source.addEventListener('changes', ({ data }) => {
    listener.changes(JSON.parse(data));
  });
  source.addEventListener('happened', ({ data }) => {
    listener.happened(JSON.parse(data));
  });
  source.addEventListener('missed', ({ data }) => {
    listener.missed(JSON.parse(data));
  });
  source.addEventListener('error', () => {
    listener.connected(false);
    // Closed for good: the service has refused it.
    if (source.readyState !== EventSource.CLOSED) return;
    void fetch('/api/sessions')
      .then(({ status }) => status)
      .catch(() => 0)
      .then((status) => {
        if (status === 401) listener.locked();
        else
          setTimeout(() => {
            listen(listener);
          }, 2000);
      });
  });
}

export async function get<T>(path: string): Promise<Answer<T>> {
  return answerOf<T>(() => fetch(path));
}

export async function post<T>(path: string, body: unknown): Promise<Answer<T>> {
  return answerOf<T>(() => send(path, body));
}

function send(path: string, body: unknown): Promise<Response> {
  return fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

async function answerOf<T>(ask: () => Promise<Response>): Promise<Answer<T>> {
  try {
    const response = await ask();
    if (response.ok) return { ok: true, body: await response.json() };
    const { error }: Refusal = await response.json();
    return { ok: false, error };
  } catch {
    return { ok: false, error: { code: 'UNREACHABLE', message: 'The service does not answer.' } };
  }
}
