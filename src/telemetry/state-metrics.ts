import type { Attributes, BatchObservableResult, Meter, ObservableGauge } from '@opentelemetry/api';
import type { ConnectionInfo, GroupInfo, SessionManager } from '../index.ts';
import { HeldStates } from './held-states.ts';
import { own } from './operation-attributes.ts';

const parked = 'disconnected.parked.';

/** The metrics of how servers and groups are at the moment of a collection. Returns the way to stop. */
export function stateMetrics(manager: SessionManager, meter: Meter): () => void {
  const gauges: ObservableGauge[] = [];
  const gauge = (name: string, unit: string, description: string): ObservableGauge => {
    const made = meter.createObservableGauge(name, { unit, description });
    gauges.push(made);
    return made;
  };
  const sessions = gauge('holdfast.sessions', '{session}', 'Sessions in this state.');
  const state = new HeldStates(
    gauge('holdfast.session.state', '1', '1 for the state that the session is in, 0 for those it was in.'),
  );
  const park = new HeldStates(
    gauge('holdfast.session.parked', '1', '1 while the session waits for something other than time to mend.'),
  );
  const circuit = new HeldStates(
    gauge('holdfast.circuit.state', '1', '1 for the state that the circuit is in, 0 for those it was in.'),
  );
  const inFlight = gauge('holdfast.calls.in_flight', '{call}', 'Calls that the server has.');
  const latency = gauge('holdfast.session.latency', 's', 'Mean latency of the server, weighted towards the latest.');
  const failedChecks = gauge('holdfast.session.failed_health_checks', '{check}', 'Failed health checks in a row.');
  const attempt = gauge(
    'holdfast.session.attempt',
    '{attempt}',
    'Attempts to connect since the connection was last stable.',
  );
  const next = gauge(
    'holdfast.session.next_attempt',
    's',
    'When the session next acts by itself, in seconds since the epoch; 0 while it has nothing to wait for.',
  );
  const lastCheck = gauge(
    'holdfast.session.last_health_check',
    's',
    'When the server’s health was last checked, in seconds since the epoch.',
  );
  const groupState = new HeldStates(
    gauge('holdfast.group.state', '1', '1 for the state that the group is in, 0 for those it was in.'),
  );
  const active = new HeldStates(
    gauge('holdfast.group.active', '1', '1 for the member that new calls go to, 0 for those they went to.'),
  );
  const admitting = gauge('holdfast.group.members.admitting', '{member}', 'Members that take calls.');

  const observeSession = (result: BatchObservableResult, info: ConnectionInfo): void => {
    const server = serverOf(info);
    result.observe(inFlight, info.activeRequests, server);
    result.observe(failedChecks, info.failedHealthChecks, server);
    result.observe(attempt, info.attempt, server);
    result.observe(next, (info.nextAttemptAt ?? 0) / 1_000, server);
    if (info.latencyMs.mean !== null) result.observe(latency, info.latencyMs.mean / 1_000, server);
    if (info.lastHealthCheck !== null) result.observe(lastCheck, info.lastHealthCheck / 1_000, server);
  };
  const observe = (result: BatchObservableResult): void => {
    const infos = manager.listSessions();
    const groups = manager.listGroups();
    for (const [each, number] of Object.entries(manager.sessionStats())) {
      result.observe(sessions, number, { [own.sessionState]: each });
    }
    for (const info of infos) observeSession(result, info);
    state.observe(
      result,
      infos.map((info) => ({ ...serverOf(info), [own.sessionState]: info.state })),
    );
    circuit.observe(
      result,
      infos.map((info) => ({ ...serverOf(info), [own.circuitState]: info.circuit })),
    );
    park.observe(
      result,
      infos
        .filter(({ phase }) => phase.startsWith(parked))
        .map((info) => ({ ...serverOf(info), [own.parkReason]: info.phase.slice(parked.length) })),
    );
    groupState.observe(
      result,
      groups.map((group) => ({ ...groupOf(group), [own.groupState]: group.state })),
    );
    active.observe(
      result,
      groups.flatMap((group) => (group.active === null ? [] : { ...groupOf(group), [own.server]: group.active })),
    );
    for (const group of groups) {
      result.observe(admitting, group.members.filter(({ admits }) => admits).length, groupOf(group));
    }
  };
  meter.addBatchObservableCallback(observe, gauges);
  return () => {
    meter.removeBatchObservableCallback(observe, gauges);
  };
}

function serverOf({ id }: ConnectionInfo): Attributes {
  return { [own.server]: id };
}

function groupOf({ id }: GroupInfo): Attributes {
  return { [own.group]: id };
}
