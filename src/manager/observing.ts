import { Observable } from './rx.ts';
import type { Clock, TimerId } from '../actors/ports.ts';

/** A value that changes, and the end of its changing. */
export interface Watched<T> {
  read(): T;
  /** Calls back after every change; returns the way to stop. */
  onChange(listener: () => void): () => void;
  isOver(): boolean;
}

/** The current value first, then every other one; completes with the last. Never errors. */
export function distinctValues<T>(watched: Watched<T>): Observable<T> {
  return new Observable((subscriber) => {
    let last = watched.read();
    subscriber.next(last);
    if (watched.isOver()) {
      subscriber.complete();
      return undefined;
    }
    return watched.onChange(() => {
      const next = watched.read();
      if (next !== last) {
        last = next;
        subscriber.next(next);
      }
      if (watched.isOver()) subscriber.complete();
    });
  });
}

/**
 * The current value first, then at most one per `everyMs`; the last one is never left out.
 * Changes that `isEdge` names are told at once. Completes with the last value. Never errors.
 */
export function conflatedValues<T>(
  watched: Watched<T>,
  clock: Pick<Clock, 'setTimeout' | 'clearTimeout'>,
  everyMs: number,
  isEdge?: (before: T, after: T) => boolean,
): Observable<T> {
  return new Observable((subscriber) => {
    let last = watched.read();
    let timer: TimerId;
    let resting = false;
    let pending = false;

    const tell = (): void => {
      pending = false;
      const next = watched.read();
      if (next === last) return;
      last = next;
      clock.clearTimeout(timer);
      resting = true;
      timer = clock.setTimeout(() => {
        resting = false;
        if (pending) tell();
      }, everyMs);
      subscriber.next(next);
    };

    subscriber.next(last);
    if (watched.isOver()) {
      subscriber.complete();
      return undefined;
    }
    const stop = watched.onChange(() => {
      if (watched.isOver()) {
        tell();
        subscriber.complete();
      } else if (!resting || (isEdge !== undefined && isEdge(last, watched.read()))) {
        tell();
      } else {
        pending = true;
      }
    });
    return () => {
      stop();
      clock.clearTimeout(timer);
    };
  });
}
