/** Waits until the promise settles or the time is over, whichever comes first. Never rejects; leaves no timer behind. */
export function settledWithin(promise: Promise<unknown>, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    promise.then(done, done);
  });
}
