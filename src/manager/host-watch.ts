import type { AnyActorRef } from 'xstate';

/** How many of an actor's observers are ours. */
const ours = new WeakMap<AnyActorRef, number>();
const reported = new WeakSet<AnyActorRef>();

/**
 * Calls back when an actor above this one ends by an exception of its own. XState stops no child then: whatever it had
 * started would run on without it. Returns the way to stop.
 */
export function watchAbove(self: AnyActorRef, crashed: () => void): () => void {
  const stops: (() => void)[] = [];
  for (let above = self._parent; above !== undefined; above = above._parent) stops.push(watch(above, crashed));
  return () => {
    for (const stop of stops) stop();
  };
}

function watch(actor: AnyActorRef, crashed: () => void): () => void {
  ours.set(actor, (ours.get(actor) ?? 0) + 1);
  const subscription = actor.subscribe({
    error: (error: unknown) => {
      const isUnheard = actor._parent === undefined && !hasOtherObservers(actor) && !reported.has(actor);
      reported.add(actor);
      crashed();
      // What nobody else hears of is thrown globally, as XState does when a root has no observer. Without this, that we listen would hide it.
      if (isUnheard) throw error;
    },
  });
  return () => {
    subscription.unsubscribe();
    ours.set(actor, (ours.get(actor) ?? 1) - 1);
  };
}

/** The set is XState's own and private; where it is none, nobody else is known to listen. */
function hasOtherObservers(actor: AnyActorRef): boolean {
  const observers: unknown = Reflect.get(actor, 'observers');
  return observers instanceof Set && observers.size > (ours.get(actor) ?? 0);
}
