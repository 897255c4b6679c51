export const logThresholds = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** From which level on the command logs. */
export type LogThreshold = (typeof logThresholds)[number];
