import type { Socket } from 'node:net';

const CLOSE_FRAME = 0x88;
const MASKED = 0x80;
const MASK_AT = 2;
const PAYLOAD_AT = 6;
/** The codes with which undici gives a connection up: broken frames, broken text, too many or too large ones. */
const REASONS: ReadonlySet<number> = new Set([1002, 1007, 1008, 1009]);

/**
 * Watches for the close frame that undici sends when it gives a connection up: the code in it is the only place where it says why.
 * Returns the way to read that code, undefined as long as there is none.
 */
export function watchSentCloseCode(socket: Socket): () => number | undefined {
  let found: number | undefined;
  const write: unknown = socket.write.bind(socket);
  if (typeof write !== 'function') return () => undefined;
  Object.defineProperty(socket, 'write', {
    configurable: true,
    writable: true, // Node itself writes to it when the other side has ended.
    value: (...args: unknown[]): unknown => {
      found ??= closeCodeOf(args[0]);
      return Reflect.apply(write, undefined, args);
    },
  });
  return () => found;
}

function closeCodeOf(chunk: unknown): number | undefined {
  if (!(chunk instanceof Uint8Array) || chunk[0] !== CLOSE_FRAME || chunk.length < PAYLOAD_AT + 2) return undefined;
  // The masked body of a message, which is written apart from its head, can begin with any byte.
  if (chunk[1] !== (MASKED | (chunk.length - PAYLOAD_AT))) return undefined;
  const unmasked = (index: number): number => (chunk[PAYLOAD_AT + index] ?? 0) ^ (chunk[MASK_AT + index] ?? 0);
  const code = (unmasked(0) << 8) | unmasked(1);
  return REASONS.has(code) ? code : undefined;
}
