import { Observable } from 'rxjs';
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
  isEdge: (before: T, after: T) => boolean = () => false,
): Observable<T> {
  return new Observable((subscriber) => {
    let last = watched.read();
    let timer: TimerId;
    let resting = false;
    let pending = false;

    const rest = (): void => {
      resting = true;
      timer = clock.setTimeout(() => {
        resting = false;
        if (pending) tell();
      }, everyMs);
    };
    const tell = (): void => {
      pending = false;
      clock.clearTimeout(timer);
      last = watched.read();
      rest();
      subscriber.next(last);
    };

    subscriber.next(last);
    if (watched.isOver()) {
      subscriber.complete();
      return undefined;
    }
    const stop = watched.onChange(() => {
      const next = watched.read();
      if (watched.isOver()) {
        if (next !== last) subscriber.next(next);
        subscriber.complete();
      } else if (next !== last) {
        if (!resting || isEdge(last, next)) tell();
        else pending = true;
      }
    });
    return () => {
      stop();
      clock.clearTimeout(timer);
    };
  });
}
