import type { LoadSdk, Sdk } from './sdk-client.ts';

/** Loads an SDK with the first link that needs it, and gives it without a wait from then on. A load that fails is tried again by the next link. */
export function loadedOnce(load: () => Promise<Sdk>): LoadSdk {
  let sdk: Sdk | undefined;
  let loading: Promise<Sdk> | undefined;
  const loaded = async (): Promise<Sdk> => {
    try {
      sdk = await load();
      return sdk;
    } finally {
      loading = undefined;
    }
  };
  return () => sdk ?? (loading ??= loaded());
}
