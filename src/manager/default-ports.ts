import { hostClock } from '../host/clock.ts';
import { processConnectLimiter } from '../host/connect-limiter.ts';
import { hostRandom } from '../host/random.ts';
import { loadingDriver } from '../host/driver-loader.ts';
import { createOutputValidator } from '../validation/output-validator.ts';
import { SecretRegistry } from '../secrets/secret-registry.ts';
import type { Logger } from './logger.ts';
import type { ManagerPorts } from './ports.ts';
import type { Optional } from './server-options.ts';

const nothing = (): void => undefined;
const silentLogger: Logger = Object.freeze({ debug: nothing, info: nothing, warn: nothing, error: nothing });

/** The real world, for every port that is not given. */
export function defaultPorts(given: Optional<ManagerPorts>): ManagerPorts {
  const clock = given.clock ?? hostClock;
  const secrets = given.secrets ?? new SecretRegistry();
  return {
    clock,
    random: given.random ?? hostRandom,
    links: given.links ?? (() => loadingDriver),
    connectLimiter: given.connectLimiter ?? processConnectLimiter(),
    validator: given.validator ?? createOutputValidator({ clock }),
    logger: given.logger === undefined ? silentLogger : harmless(given.logger, secrets),
    secrets,
  };
}

/** A logger that is told no secrets, and that may throw: it takes no session, and no supervisor, with it. */
function harmless(logger: Logger, secrets: SecretRegistry): Logger {
  const guarded =
    (level: keyof Logger): Logger['info'] =>
    (fields, message) => {
      try {
        logger[level](secrets.scrubFields(fields), message);
      } catch {
        // There is nowhere left to tell it.
      }
    };
  return { debug: guarded('debug'), info: guarded('info'), warn: guarded('warn'), error: guarded('error') };
}
