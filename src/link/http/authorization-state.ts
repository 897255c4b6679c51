import type { Fault } from '../fault.ts';
import type { OAuthDiscoveryState } from './auth-provider.ts';

/** What came of asking for another token: null, and the request is worth sending once more, or why it is not. */
export type Mended = Fault | null;

/** An authorisation that waits for a person. */
export interface PendingAuthorization {
  /** The token when it was started. */
  readonly token: string | undefined;
  /** Where the person is sent. */
  readonly url: URL;
}

/** What was found out on the way there, for the way back; only of a provider that does not keep it itself. */
export type Discovered = OAuthDiscoveryState | undefined;

/** What is known of one provider, whichever transports use it. */
export interface AuthorizationState {
  /** The renewal or exchange that is under way; every request that is refused meanwhile waits for this one. */
  flight: Promise<Mended> | null;
  /** The last one that came to an end, and what came of it. Another one than before: what was read of the provider meanwhile is old. */
  landed: { readonly mended: Mended } | null;
  /** Null: none was started, or it has come to an end. */
  pending: PendingAuthorization | null;
  discovered: Discovered;
}

/** By provider and not by transport: several servers, and several generations of one, may share it. */
const states = new WeakMap<object, AuthorizationState>();

/** Runs a renewal or exchange that never rejects; whoever is refused meanwhile waits for what comes of it. */
export function takeOff(state: AuthorizationState, run: () => Promise<Mended>): Promise<Mended> {
  state.flight = run().then((mended) => {
    state.landed = { mended };
    state.flight = null;
    return mended;
  });
  return state.flight;
}

export function authorizationStateOf(provider: object): AuthorizationState {
  let state = states.get(provider);
  if (state === undefined) {
    state = { flight: null, landed: null, pending: null, discovered: undefined };
    states.set(provider, state);
  }
  return state;
}
