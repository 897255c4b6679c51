import type { Attributes, BatchObservableResult, ObservableGauge } from '@opentelemetry/api';

/** So many states that hold no longer are remembered. */
const mostRemembered = 10_000;

/**
 * A gauge of states: 1 for those that hold, 0 for those that held before. An SDK reports what it was last told for as long as it
 * lives; without the 0 a server that is down would be up as well.
 */
export class HeldStates {
  readonly #gauge: ObservableGauge;
  #before = new Map<string, Attributes>();

  constructor(gauge: ObservableGauge) {
    this.#gauge = gauge;
  }

  observe(result: BatchObservableResult, holding: readonly Attributes[]): void {
    const now = new Map(holding.map((attributes) => [JSON.stringify(attributes), attributes]));
    for (const attributes of now.values()) result.observe(this.#gauge, 1, attributes);
    const past = [...this.#before].filter(([key]) => !now.has(key)).slice(-mostRemembered);
    for (const [, attributes] of past) result.observe(this.#gauge, 0, attributes);
    this.#before = new Map([...past, ...now]);
  }
}
