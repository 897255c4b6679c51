import type { AuthorizationProblem, AuthorizationResponse } from '../link.ts';
import type { HttpTarget } from '../target.ts';
import { isOAuth } from './auth-provider.ts';
import { authorizationStateOf, takeOff } from './authorization-state.ts';

/**
 * Ends the authorisation that waits for a person with what they came back with; see `LinkDriver.finishAuthorization`. An answer to another
 * question leaves it waiting; any other problem ends it, and the next request that is refused begins a new one.
 */
export async function finishAuthorization(
  { auth: provider, url, allowsPrivateAddresses }: HttpTarget,
  { code, state: given, iss, error }: AuthorizationResponse,
): Promise<AuthorizationProblem | null> {
  if (provider === undefined || !isOAuth(provider)) return { kind: 'nothing-pending' };
  const state = authorizationStateOf(provider);
  const { pending } = state;
  if (pending === null || state.flight !== null) return { kind: 'nothing-pending' };
  const asked = pending.url.searchParams.get('state');
  if (asked !== null && asked !== given) return { kind: 'state-mismatch' };
  if (error === undefined && code === undefined) return { kind: 'no-code' };
  state.pending = null;
  if (code === undefined || error !== undefined) return { kind: 'denied', cause: error };
  let problem: AuthorizationProblem | null = null;
  const exchange = async (): Promise<null> => {
    try {
      const { exchangeCode } = await import('./oauth-flow.ts');
      await exchangeCode(provider, { url: new URL(url), allowsPrivateAddresses }, code, iss);
    } catch (cause) {
      problem = { kind: 'exchange-failed', cause };
    }
    return null;
  };
  await takeOff(state, exchange);
  return problem;
}
