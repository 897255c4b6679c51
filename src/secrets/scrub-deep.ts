import { types } from 'node:util';
import { placeholder } from './secret-matcher.ts';
import { looksSecret } from './secret-names.ts';

const deepest = 32;
const mostValues = 10_000;
const longestText = 1024 * 1024;
const leftOut = '[…]';
const unreadable = '[cannot be read]';

export interface DeepScrub {
  readonly scrub: (text: string) => string;
  /** True: a text under a name that looks like that of a secret is hidden, whatever it is. */
  readonly hidesByName: boolean;
}

/**
 * Plain data or an error, freed of secrets: the same value when there is nothing to hide, else a copy. Getters become values. Of an
 * instance of a class that is no error only the name of its class is kept, since what it shows of itself cannot be known. Never throws.
 */
export function scrubDeep(value: unknown, how: DeepScrub): unknown {
  const copying = new Copying(how);
  const copy = copying.copy(value, 0);
  return copying.differs ? copy : value;
}

/** Makes the copy and notes whether it differs. A value that is met again, in a cycle or not, is one copy. */
class Copying {
  readonly #how: DeepScrub;
  readonly #copies = new Map<object, unknown>();
  #valuesLeft = mostValues;
  differs = false;

  constructor(how: DeepScrub) {
    this.#how = how;
  }

  copy(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.#text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (this.#copies.has(value)) return this.#copies.get(value);
    this.#valuesLeft -= 1;
    if (depth > deepest || this.#valuesLeft < 0) return this.#instead(leftOut);
    try {
      return this.#object(value, depth);
    } catch {
      // A proxy, or a getter of a prototype: anything may throw.
      return this.#instead(unreadable);
    }
  }

  #object(value: object, depth: number): unknown {
    if (value instanceof Error || types.isNativeError(value)) return this.#error(value, depth);
    if (Array.isArray(value)) return this.#fields(value, this.#begin(value, []), depth);
    if (value instanceof Map) return this.#map(value, depth);
    if (value instanceof Set) return this.#set(value, depth);
    if (isPlain(value)) return this.#fields(value, this.#begin(value, {}), depth);
    if (value instanceof Date) return value;
    return this.#instead(value instanceof URL ? this.#text(value.href) : `[${this.#text(value.constructor.name)}]`);
  }

  /** Foreign errors are not touched: the copy is an error of the same class, with fields of its own. */
  #error(error: Error, depth: number): Error {
    const copy = this.#begin(error, new Error());
    delete copy.stack;
    Object.setPrototypeOf(copy, Object.getPrototypeOf(error));
    this.#fields(error, copy, depth);
    // Of a DOMException they are getters, which work on nothing but the original.
    for (const key of ['name', 'message', 'code']) {
      const inherited: unknown = Reflect.get(error, key);
      if (Object.hasOwn(error, key) || inherited === undefined || inherited === readOrUndefined(copy, key)) continue;
      define(copy, key, this.copy(inherited, depth + 1), false);
    }
    return copy;
  }

  #fields<Copy extends object>(value: object, copy: Copy, depth: number): Copy {
    for (const key of Reflect.ownKeys(value)) {
      if (key === 'length' && Array.isArray(value)) continue;
      this.#valuesLeft -= 1;
      if (this.#valuesLeft < 0) {
        define(copy, leftOut, this.#instead(leftOut), true);
        break;
      }
      const field = Object.getOwnPropertyDescriptor(value, key);
      const shown = typeof key === 'string' ? this.#text(key) : key;
      define(copy, shown, this.#field(value, key, field, depth), field?.enumerable === true);
    }
    return copy;
  }

  #field(value: object, key: string | symbol, field: PropertyDescriptor | undefined, depth: number): unknown {
    const isGetter = field?.get !== undefined;
    if (isGetter) this.differs = true;
    try {
      return this.#named(key, isGetter ? Reflect.get(value, key) : field?.value, depth);
    } catch {
      return this.#instead(unreadable);
    }
  }

  #named(name: unknown, value: unknown, depth: number): unknown {
    const isHidden =
      this.#how.hidesByName && typeof name === 'string' && typeof value === 'string' && looksSecret(name);
    return isHidden ? this.#instead(placeholder) : this.copy(value, depth + 1);
  }

  #map(value: ReadonlyMap<unknown, unknown>, depth: number): ReadonlyMap<unknown, unknown> {
    const copy = this.#begin(value, new Map<unknown, unknown>());
    for (const [key, item] of value) copy.set(this.copy(key, depth + 1), this.#named(key, item, depth));
    return copy;
  }

  #set(value: ReadonlySet<unknown>, depth: number): ReadonlySet<unknown> {
    const copy = this.#begin(value, new Set<unknown>());
    for (const item of value) copy.add(this.copy(item, depth + 1));
    return copy;
  }

  #text(text: string): string {
    const whole = text.length <= longestText;
    const clean = this.#how.scrub(whole ? text : `${text.slice(0, longestText)}…`);
    return clean === text ? text : this.#instead(clean);
  }

  /** The copy is known before what is in it is looked at, which may lead back to it. */
  #begin<Copy extends object>(value: object, copy: Copy): Copy {
    this.#copies.set(value, copy);
    return copy;
  }

  #instead<Value>(value: Value): Value {
    this.differs = true;
    return value;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function define(copy: object, key: string | symbol, value: unknown, enumerable: boolean): void {
  Object.defineProperty(copy, key, { value, enumerable, writable: true, configurable: true });
}

function readOrUndefined(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}
