import type { Random } from '../actors/ports.ts';

/** Chance as the host has it: `Math.random`. Good for jitter, never for secrets. */
export const hostRandom: Random = () => Math.random();
