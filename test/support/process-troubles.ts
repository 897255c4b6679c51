/** What the process itself has to complain of: errors that nobody caught, rejections that nobody handled, and Node's warnings. */
export class ProcessTroubles {
  readonly seen: string[] = [];
  readonly #onUncaught = (error: Error): void => void this.seen.push(`uncaught ${error.message}`);
  readonly #onUnhandled = (reason: unknown): void => void this.seen.push(`unhandled ${String(reason)}`);
  readonly #onWarning = ({ name, message }: Error): void => void this.seen.push(`${name}: ${message}`);

  constructor() {
    process.on('uncaughtExceptionMonitor', this.#onUncaught);
    process.on('unhandledRejection', this.#onUnhandled);
    process.on('warning', this.#onWarning);
  }

  /** Looks no further. */
  stop(): void {
    process.off('uncaughtExceptionMonitor', this.#onUncaught);
    process.off('unhandledRejection', this.#onUnhandled);
    process.off('warning', this.#onWarning);
  }
}
