import { HoldfastError } from './holdfast-error.ts';

/** A file of tokens that cannot be used: unreadable, damaged, or open to others. It is left as it is. */
export class TokenFileError extends HoldfastError {
  override readonly name = 'TokenFileError';
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`The token file ${JSON.stringify(file)} ${problem}.`, { code: 'TOKEN_FILE', cause: options?.cause });
    this.file = file;
  }
}
