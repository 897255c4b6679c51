import { fromCallback } from 'xstate';
import type { TickerCommand, TicksDue } from '../machines/manager-events.ts';
import type { Clock, Random, TimerId } from './ports.ts';

interface Armed {
  readonly generation: number;
  readonly dueMs: number;
}

/** Ticks that fall due within this time of each other go out together. */
const coalesceMs = 5;
/** After a pause the ticks that have become due are spread over this time. */
const spreadMs = 5_000;

/** One timer for the ticks of all sessions of a manager actor; one tick per session at most. */
export function tickerLogic(clock: Clock, random: Random) {
  return fromCallback<TickerCommand, { readonly paused: boolean }>(({ input, sendBack, receive }) => {
    const armed = new Map<string, Armed>();
    let { paused } = input;
    let timer: { readonly id: TimerId; readonly dueMs: number } | undefined;

    function stopTimer(): void {
      if (timer !== undefined) clock.clearTimeout(timer.id);
      timer = undefined;
    }

    function timeFor(dueMs: number): void {
      if (paused || (timer !== undefined && timer.dueMs <= dueMs)) return;
      stopTimer();
      timer = { id: clock.setTimeout(turn, Math.max(0, dueMs - clock.monotonic())), dueMs };
    }

    function turn(): void {
      timer = undefined;
      const nowMs = clock.monotonic();
      const ticks: TicksDue['ticks'][number][] = [];
      let next = Number.POSITIVE_INFINITY;
      // No iterator: its pairs would be an eighth of all that a check allocates.
      armed.forEach(({ generation, dueMs }, id) => {
        if (dueMs <= nowMs + coalesceMs) {
          armed.delete(id);
          ticks.push({ id, generation, lateMs: Math.max(0, nowMs - dueMs) });
        } else if (dueMs < next) {
          next = dueMs;
        }
      });
      if (next < Number.POSITIVE_INFINITY) timeFor(next);
      if (ticks.length > 0) sendBack({ type: 'TICKS.DUE', ticks });
    }

    receive((command) => {
      switch (command.type) {
        case 'TICK.ARM': {
          const dueMs = clock.monotonic() + command.dueMs;
          armed.set(command.id, { generation: command.generation, dueMs });
          timeFor(dueMs);
          break;
        }
        case 'TICK.DISARM':
          armed.delete(command.id);
          break;
        case 'TICKER.PAUSE':
          paused = true;
          stopTimer();
          break;
        case 'TICKER.RESUME': {
          if (!paused) break;
          paused = false;
          const nowMs = clock.monotonic();
          for (const [id, { generation, dueMs }] of armed) {
            armed.set(id, { generation, dueMs: dueMs > nowMs ? dueMs : nowMs + random() * spreadMs });
          }
          for (const { dueMs } of armed.values()) timeFor(dueMs);
          break;
        }
      }
    });
    return stopTimer;
  });
}
