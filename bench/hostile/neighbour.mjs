import { performance } from 'node:perf_hooks';

const everyMs = 10;

/** Calls to a healthy server at their due times, however late this process is, and how long each took from then on. */
export function callSteadily(session) {
  const latencies = [];
  const due = new Set();
  let lost = 0;
  let nextMs = performance.now();
  const call = async (dueMs) => {
    due.add(dueMs);
    try {
      await session.call('ok');
      latencies.push(performance.now() - dueMs);
    } catch {
      lost += 1;
    }
    due.delete(dueMs);
  };
  const timer = setInterval(() => {
    for (; nextMs <= performance.now(); nextMs += everyMs) void call(nextMs);
  }, everyMs);
  return {
    /** Those under way count with the time that they have taken so far. */
    latencies: () => {
      const now = performance.now();
      return [...latencies, ...Array.from(due, (dueMs) => now - dueMs)];
    },
    lost: () => lost,
    stop: () => clearInterval(timer),
  };
}
