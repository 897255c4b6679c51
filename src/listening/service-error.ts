import { HoldfastError } from '../errors/holdfast-error.ts';

/** The service cannot be started as it was asked for: the address is taken or not allowed, or the token is too short. */
export class ServiceError extends HoldfastError {
  override readonly name = 'ServiceError';

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, { code: 'SERVICE', cause: options.cause });
  }
}
