import { flat } from './json-text.ts';

/** What the request with this id comes to: the first answer that names it decides, however malformed; null while none does. */
export function firstAnswer(id: number, received: readonly unknown[]): string | null {
  for (const message of received) {
    if (!isObject(message) || 'method' in message) continue;
    const named = message['id'];
    if (named !== id && !(typeof named === 'string' && /^\d{1,15}$/.test(named) && Number(named) === id)) continue;
    const { result, error } = message;
    if (isObject(error)) return Number.isInteger(error['code']) ? `rpc ${String(error['code'])}` : 'link bad-answer';
    return isObject(result) ? flat(result) : 'link bad-answer';
  }
  return null;
}

/** Whether it could be a message at all. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a JSON text; undefined for what is none. A byte order mark before it does no harm. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}
