import type { ManagerEvent } from '../../index.ts';
import { durationWords } from '../../words/session-words.ts';

/** What happened, in a line; undefined for what is no news to people: checks that are due or went well. */
export function toldEvent(event: ManagerEvent): string | undefined {
  switch (event.type) {
    case 'healthTicked':
      return undefined;
    case 'healthChecked':
      if (event.ok) return undefined;
      return event.void ? 'a check was void: we ourselves were stalled' : `check failed: ${event.error?.message ?? ''}`;
    case 'stateChanged':
      return `${event.fromPhase} → ${event.phase}${event.reason === null ? '' : `: ${event.reason}`}`;
    case 'reconnectScheduled':
      return `tries again in ${durationWords(event.delayMs)} (attempt ${event.attempt})`;
    case 'circuitChanged':
      return `circuit ${event.from} → ${event.to}: ${event.reason}`;
    case 'failedOver':
      return `failed over: ${event.from} → ${event.to}: ${event.reason}`;
    case 'failedBack':
      return `failed back: ${event.from} → ${event.to}`;
    case 'linkFault':
    case 'sessionCrashed':
      return `${event.type}: ${event.error.message}`;
    case 'catalogChanged':
      return `tools: ${event.added.length} added, ${event.removed.length} removed, ${event.changed.length} changed`;
    case 'toolChanged':
      return `the tool ${event.tool} has changed${event.blocked ? ' and is blocked' : ''}`;
    default:
      return event.type.replace(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`);
  }
}
