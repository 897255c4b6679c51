import type { JsonObject } from './json-object.ts';

/** Steps of about 10 ns: more than these are not taken on the caller's thread. */
const maxSteps = 32_768;
const maxLevels = 64;
const maxNodes = 4_000;

/** Holds one value against one schema; false when it does not hold, or when the run has gone over its budget. */
export type Check = (value: unknown, run: SimpleRun) => boolean;

/** Makes the check of one keyword from its operand; null when that is more than a simple schema has. */
export type Assertion = (operand: unknown, scope: SchemaScope, schema: JsonObject) => Check | null;

/** The check that everything passes. Known by identity, so that it is never called. */
export const always: Check = () => true;

/** One walk over one result: how many steps it may still take, and what it found wrong. */
export class SimpleRun {
  #stepsLeft = maxSteps;
  #message = '';
  #way: (string | number)[] = [];

  /** Takes this many steps from the budget; false when it has none left. */
  spend(steps: number): boolean {
    return (this.#stepsLeft -= steps) >= 0;
  }

  get isOverBudget(): boolean {
    return this.#stepsLeft < 0;
  }

  /** What is wrong, without a value of the result. */
  get message(): string {
    return this.#message;
  }

  /** JSON pointer to it. */
  get path(): string {
    const steps = this.#way.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`);
    return steps.toReversed().join('');
  }

  /** The value itself is wrong. */
  fail(message: string): false {
    this.#message = message;
    if (this.#way.length > 0) this.#way = [];
    return false;
  }

  /** What is wrong is under this key of the value. */
  under(key: string | number): false {
    this.#way.push(key);
    return false;
  }
}

/** Where in a schema its compilation is: how deep, how much it may still take, and whether an `anyOf` is around it. */
export class SchemaScope {
  readonly isInUnion: boolean;
  readonly #levelsLeft: number;
  readonly #budget: { nodes: number };
  readonly #compile: (schema: unknown, scope: SchemaScope) => Check | null;

  private constructor(
    compile: (schema: unknown, scope: SchemaScope) => Check | null,
    levelsLeft: number,
    budget: { nodes: number },
    isInUnion: boolean,
  ) {
    this.#compile = compile;
    this.#levelsLeft = levelsLeft;
    this.#budget = budget;
    this.isInUnion = isInUnion;
  }

  static root(compile: (schema: unknown, scope: SchemaScope) => Check | null): SchemaScope {
    return new SchemaScope(compile, maxLevels, { nodes: maxNodes }, false);
  }

  /** The check of a schema inside this one. */
  inner(schema: unknown, { isInUnion = this.isInUnion } = {}): Check | null {
    if (this.#levelsLeft === 0 || !this.spend(1)) return null;
    return this.#compile(schema, new SchemaScope(this.#compile, this.#levelsLeft - 1, this.#budget, isInUnion));
  }

  /** Takes this much from the budget of the whole schema; false when there is none left. */
  spend(nodes: number): boolean {
    return (this.#budget.nodes -= nodes) >= 0;
  }
}
