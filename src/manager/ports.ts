import type { Clock, ConnectLimiter, LinkPort, Random } from '../actors/ports.ts';
import type { OutputValidator } from '../validation/validator.ts';
import type { SecretRegistry } from '../secrets/secret-registry.ts';
import type { Logger } from './logger.ts';

/** The seams of a manager to the world outside; each has a real default. */
export interface ManagerPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Picks the driver that opens a target's links. */
  readonly links: LinkPort;
  /** Paces the attempts of stdio servers; shared by the whole process unless given. */
  readonly connectLimiter: ConnectLimiter;
  /** Holds what tools return against the schemas that they declare. One that is given is closed by whoever gave it. */
  readonly validator: OutputValidator;
  /** Any pino logger; by default nothing is logged. */
  readonly logger: Logger;
  /** What must appear in nothing that is shown. A registry of your own knows what you register, too, and scrubs your texts. */
  readonly secrets: SecretRegistry;
}
