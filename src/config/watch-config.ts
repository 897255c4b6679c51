import { unwatchFile, watchFile } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ConfigError } from '../errors/config-error.ts';
import { loadConfig } from './load-config.ts';
import type { LoadConfigOptions, LoadedConfig } from './load-config.ts';

/** Is told what becomes of a configuration. */
export interface ConfigWatcher {
  /** The files say something else now. It may have `problems`, as one that is loaded may. */
  readonly onChange: (config: LoadedConfig) => void;
  /** The files cannot be used any more. Told once for each different mistake; the next good one is an `onChange`, also when it is the one before. */
  readonly onBroken: (error: ConfigError) => void;
}

export interface WatchConfigOptions extends LoadConfigOptions {
  /** How often the files are looked at, in milliseconds. Default 500. */
  readonly intervalMs?: number | undefined;
  /** For how long files that have changed must stay as they are before they are believed, in milliseconds. Default 100. */
  readonly settleMs?: number | undefined;
}

/** Ends the watching. Nothing is told after it. */
export type StopWatching = () => void;

type Reading = LoadedConfig | ConfigError;

/**
 * Watches the files of a configuration, those that it extends and each `envFile` included, from what `loaded` says on. `path` and `options`
 * are those that it was loaded with. A file that is being written is told once it is whole. Keeps no process alive.
 */
export function watchConfig(
  path: string | readonly string[] | undefined,
  loaded: LoadedConfig,
  watcher: ConfigWatcher,
  options: WatchConfigOptions = {},
): StopWatching {
  const watch = new ConfigWatch(path, loaded, watcher, options);
  return () => {
    watch.stop();
  };
}

class ConfigWatch {
  readonly #path: string | readonly string[];
  readonly #watcher: ConfigWatcher;
  readonly #options: WatchConfigOptions;
  readonly #noticed = (): void => {
    this.#isStale = true;
    if (!this.#isReading) void this.#read();
  };
  #files: readonly string[] = [];
  #known: Reading;
  #isStale = false;
  #isReading = false;
  #hasEnded = false;

  constructor(
    path: string | readonly string[] | undefined,
    loaded: LoadedConfig,
    watcher: ConfigWatcher,
    options: WatchConfigOptions,
  ) {
    // Not the first usual one that exists: it is this one that is watched.
    this.#path = path ?? loaded.file;
    this.#watcher = watcher;
    this.#options = options;
    this.#known = loaded;
    this.#watch(loaded.files);
    // It may have changed between being loaded and being watched.
    this.#noticed();
  }

  stop(): void {
    this.#hasEnded = true;
    this.#watch([]);
  }

  /** By looking, not by being notified: notifications are lost over networks, in bind mounts, and when a link is pointed elsewhere. */
  #watch(files: readonly string[]): void {
    const { intervalMs = 500 } = this.#options;
    for (const file of this.#files) if (!files.includes(file)) unwatchFile(file, this.#noticed);
    for (const file of files) {
      if (!this.#files.includes(file)) watchFile(file, { persistent: false, interval: intervalMs }, this.#noticed);
    }
    this.#files = files;
  }

  async #read(): Promise<void> {
    this.#isReading = true;
    while (this.#isStale && !this.#hasEnded) {
      this.#isStale = false;
      const reading = await this.#settled();
      if (!this.#hasEnded) this.#tell(reading);
    }
    this.#isReading = false;
  }

  /** What is read twice in a row. */
  async #settled(): Promise<Reading> {
    const { settleMs = 100 } = this.#options;
    let reading = await this.#load();
    for (;;) {
      if (this.#hasEnded || isSame(reading, this.#known)) return reading;
      await delay(settleMs, undefined, { ref: false });
      const again = await this.#load();
      if (isSame(reading, again)) return again;
      reading = again;
    }
  }

  async #load(): Promise<Reading> {
    try {
      return await loadConfig(this.#path, this.#options);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
  }

  #tell(reading: Reading): void {
    if (isSame(reading, this.#known)) return;
    this.#known = reading;
    if (reading instanceof ConfigError) {
      this.#watcher.onBroken(reading);
    } else {
      this.#watch(reading.files);
      this.#watcher.onChange(reading);
    }
  }
}

function isSame(one: Reading, other: Reading): boolean {
  if (one instanceof ConfigError || other instanceof ConfigError) {
    return one instanceof ConfigError && other instanceof ConfigError && one.message === other.message;
  }
  return isDeepStrictEqual(one, other);
}
