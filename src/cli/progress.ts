import type { StderrLines } from './stderr-lines.ts';

const patienceMs = 1000;

/** Waits for what may take its time, and says what it is waited for once that has been a second: to people, on one line that goes away. */
export async function withProgress<T>(stderr: StderrLines, what: () => string, work: Promise<T>): Promise<T> {
  const beganMs = performance.now();
  const tell = setInterval(() => {
    stderr.transient(`${what()}, ${Math.round((performance.now() - beganMs) / 1000)} s …`);
  }, patienceMs);
  try {
    return await work;
  } finally {
    clearInterval(tell);
    stderr.transient(undefined);
  }
}
