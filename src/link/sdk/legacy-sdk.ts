import type { Sdk } from './sdk-client.ts';

/** The SDK that speaks with servers of the legacy era. The suites run over `sdkV2Legacy` of sdk-v2/sdk-v2.ts as well: it can take this place. */
export const loadLegacySdk = async (): Promise<Sdk> => (await import('../sdk-v1/sdk-v1.ts')).sdkV1;
