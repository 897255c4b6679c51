import type { LinkDriver } from '../link.ts';
import { SdkLink } from './sdk-link.ts';
import type { Sdks } from './sdk-link.ts';

/** A driver over the SDKs of these eras. */
export function sdkDriver(name: string, sdks: Sdks): LinkDriver {
  return {
    name,
    open: (spec) => new SdkLink(spec, sdks),
    finishAuthorization: async (target, response) => {
      const { finishAuthorization } = await import('../http/finish-authorization.ts');
      return finishAuthorization(target, response);
    },
  };
}
