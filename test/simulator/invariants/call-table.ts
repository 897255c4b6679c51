import type { CallEnd, Entry, History, PlannedCall } from '../history.ts';

type Of<Kind extends Entry['kind']> = Extract<Entry, { readonly kind: Kind }>;

/** All that was seen of one call. */
export interface CallRow {
  readonly call: PlannedCall;
  readonly beganMs: number;
  endedMs: number | null;
  end: CallEnd | null;
  /** Each time that a link was handed it, in order. */
  readonly sent: Wire[];
  /** Each time that a server executed it, in order. */
  readonly executed: Of<'executed'>[];
}

/** One request on one link. */
export interface Wire {
  readonly sent: Of<'sent'>;
  over: Of<'over'> | null;
}

const tables = new WeakMap<History, ReadonlyMap<string, CallRow>>();

/** The calls of a history by their keys. */
export function callsOf(history: History): ReadonlyMap<string, CallRow> {
  const known = tables.get(history);
  if (known !== undefined) return known;
  const rows = new Map<string, CallRow>();
  const wires = new Map<number, Wire>();
  for (const entry of history.entries) {
    switch (entry.kind) {
      case 'began':
        rows.set(entry.call.key, {
          call: entry.call,
          beganMs: entry.atMs,
          endedMs: null,
          end: null,
          sent: [],
          executed: [],
        });
        break;
      case 'ended': {
        const row = rows.get(entry.key);
        if (row !== undefined) Object.assign(row, { endedMs: entry.atMs, end: entry.end });
        break;
      }
      case 'sent': {
        const wire = { sent: entry, over: null };
        wires.set(entry.wire, wire);
        rows.get(entry.key)?.sent.push(wire);
        break;
      }
      case 'over': {
        const wire = wires.get(entry.wire);
        if (wire !== undefined) wire.over = entry;
        break;
      }
      case 'executed':
        rows.get(entry.key)?.executed.push(entry);
        break;
      default:
        break;
    }
  }
  tables.set(history, rows);
  return rows;
}

/** The group that a call was made to; null for one to a server. */
export function groupOf({ cast }: History, { to }: PlannedCall): string | null {
  if ('group' in to) return to.group;
  if ('server' in to) return null;
  return cast.groups.find(({ id }) => to.catalog.startsWith(`${id}__`))?.id ?? null;
}

/** The servers that a call could have gone to. */
export function reachOf(history: History, call: PlannedCall): readonly string[] {
  const { cast } = history;
  const group = groupOf(history, call);
  if (group !== null) return cast.groups.find(({ id }) => id === group)?.members ?? [];
  const { to } = call;
  if ('server' in to) return [to.server];
  const name = 'catalog' in to ? to.catalog : '';
  return cast.servers.filter(({ id }) => name.startsWith(`${id}__`)).map(({ id }) => id);
}
