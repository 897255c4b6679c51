import { diag, type Attributes, type Counter, type Meter } from '@opentelemetry/api';
import type { ManagerEvent, SessionEvent, SessionManager } from '../index.ts';
import { own } from './operation-attributes.ts';
import { attribute, durationBoundaries, metric } from './semconv.ts';
import { SessionDurations } from './session-durations.ts';

const seconds = { unit: 's', advice: { explicitBucketBoundaries: durationBoundaries } };

/** The metrics of what happens to servers and groups. Returns the way to stop. */
export function eventMetrics(manager: SessionManager, meter: Meter): () => void {
  const count = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(name, { unit, description });
  const lasted = meter.createHistogram(metric.clientSessionDuration, {
    ...seconds,
    description: 'How long a connection to a server lasted.',
  });
  const checked = meter.createHistogram('holdfast.health_check.duration', {
    ...seconds,
    description: 'Duration of a health check that was answered.',
  });
  const delayed = meter.createHistogram('holdfast.reconnect.delay', {
    ...seconds,
    description: 'Time to the next attempt to connect, as it was scheduled; its count is that of reconnects.',
  });
  const checks = count('holdfast.health_checks', '{check}', 'Health checks. A void one says nothing of the server.');
  const connections = count('holdfast.connections', '{connection}', 'Connections that were established.');
  const transitions = count('holdfast.session.transitions', '{transition}', 'Changes of a session into this state.');
  const trips = count('holdfast.circuit.trips', '{trip}', 'How often a circuit opened.');
  const losses = count('holdfast.session.losses', '{session}', 'Sessions that their server forgot.');
  const crashes = count('holdfast.session.crashes', '{crash}', 'Crashes of a session’s own actor.');
  const leaks = count('holdfast.link.leaks', '{link}', 'Connections that did not let go in time.');
  const faults = count('holdfast.link.faults', '{fault}', 'Things wrong on a connection that still stood.');
  const toolChanges = count('holdfast.tool.changes', '{change}', 'Tools that were not what they had been.');
  const failovers = count('holdfast.failovers', '{switch}', 'Moves of a group to a less wanted member.');
  const failbacks = count('holdfast.failbacks', '{switch}', 'Moves of a group back to a more wanted member.');
  const durations = new SessionDurations();

  // A count that begins with 1 is none to whoever asks how much it grew.
  const beginSession = (id: string): void => {
    for (const each of [trips, losses, crashes, leaks]) each.add(0, { [own.server]: id });
  };
  const beginGroup = (id: string): void => {
    for (const each of [failovers, failbacks]) each.add(0, { [own.group]: id });
  };
  for (const { id, establishedAt } of manager.listSessions()) {
    beginSession(id);
    if (establishedAt !== null) durations.began(id, establishedAt);
  }
  for (const { id } of manager.listGroups()) beginGroup(id);

  const noteSession = (event: SessionEvent): void => {
    const server: Attributes = { [own.server]: event.serverId };
    const ended = durations.note(event);
    if (ended !== undefined) {
      const { durationMs, errorType } = ended;
      const protocol = manager.getSessionInfo(event.serverId)?.protocolVersion ?? undefined;
      lasted.record(durationMs / 1_000, {
        ...server,
        ...(protocol !== undefined && { [attribute.protocolVersion]: protocol }),
        ...(errorType !== undefined && { [attribute.errorType]: errorType }),
      });
    }
    switch (event.type) {
      case 'serverAdded':
        beginSession(event.serverId);
        break;
      case 'stateChanged':
        if (event.from !== event.to) transitions.add(1, { ...server, [own.sessionState]: event.to });
        if (event.fromPhase.startsWith('connecting.') && event.phase.startsWith('connected.'))
          connections.add(1, server);
        break;
      case 'healthChecked': {
        const result = event.void ? 'void' : event.ok ? 'ok' : 'failed';
        checks.add(1, { ...server, [own.healthCheckResult]: result });
        if (!event.void && event.latencyMs !== null) checked.record(event.latencyMs / 1_000, server);
        break;
      }
      case 'reconnectScheduled':
        delayed.record(event.delayMs / 1_000, server);
        break;
      case 'circuitChanged':
        if (event.to === 'open') trips.add(1, server);
        break;
      case 'sessionLost':
        losses.add(1, server);
        break;
      case 'sessionCrashed':
        crashes.add(1, server);
        break;
      case 'linkLeaked':
        leaks.add(1, server);
        break;
      case 'linkFault':
        faults.add(1, server);
        break;
      case 'toolChanged':
        toolChanges.add(1, server);
        break;
      default:
    }
  };
  const note = (event: ManagerEvent): void => {
    if (event.groupId === undefined) noteSession(event);
    else if (event.type === 'groupAdded') beginGroup(event.groupId);
    else if (event.type === 'failedOver') failovers.add(1, { [own.group]: event.groupId });
    else if (event.type === 'failedBack') failbacks.add(1, { [own.group]: event.groupId });
  };
  const subscription = manager.events$.subscribe((event) => {
    try {
      note(event);
    } catch (error) {
      // What a subscriber throws would end the process.
      subscription.unsubscribe();
      diag.error('a meter threw; holdfast counts no more events', error);
    }
  });
  return () => {
    subscription.unsubscribe();
  };
}
