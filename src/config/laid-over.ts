import type { ServerSettings } from './server-settings.ts';

const sections = ['healthCheck', 'reconnect', 'circuitBreaker', 'retry', 'tools'] as const;

/** Settings over others: those of a section key by key, as server options win over the defaults of a manager. */
export function laidOver(below: ServerSettings, above: ServerSettings): ServerSettings {
  const merged: ServerSettings = { ...below, ...above };
  for (const name of sections) {
    if (below[name] === undefined || above[name] === undefined) continue;
    Object.assign(merged, { [name]: { ...below[name], ...above[name] } });
  }
  return merged;
}
