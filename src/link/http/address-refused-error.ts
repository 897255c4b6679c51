/** The most that is told of a path, in characters: a server chose it. */
const MAX_PATH = 200;

/** Why an address that an authorisation would go to is not gone to. Its message names the address without its query, and holds no token. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';

  constructor({ origin, protocol, pathname }: URL, why: string) {
    const where = origin === 'null' ? protocol : origin;
    super(`${where}${pathname.slice(0, MAX_PATH)} is not asked: ${why}.`);
  }
}
