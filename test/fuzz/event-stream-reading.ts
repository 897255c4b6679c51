/** What an event stream says from its beginning to its end. */
export interface StreamReading {
  readonly events: readonly (readonly [type: string, data: string])[];
  /** The last id that an event of it carried; empty when none did. */
  readonly id: string;
  readonly retryMs: number | null;
}

/** The stream by the HTML standard's own steps, over the whole text at once. */
export function readByStandard(bytes: Buffer): StreamReading {
  const events: (readonly [string, string])[] = [];
  let [lastId, retryMs]: [string, number | null] = ['', null];
  let [type, id, data]: [string, string | null, string[]] = ['', null, []];
  const lines = bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/);
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      lastId = id ?? lastId;
      if (data.join('\n') !== '') events.push([type === '' ? 'message' : type, data.join('\n')]);
      [type, id, data] = ['', null, []];
      continue;
    }
    const [, field = '', value = ''] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? [];
    if (field === 'data') data.push(value);
    else if (field === 'event') type = value;
    // Narrower than the standard: an id that no header can carry, or no server takes, is of no use.
    else if (field === 'id') id = /^[\t\x20-\x7e\x80-\xff]{0,4096}$/.test(value) ? value : id;
    else if (field === 'retry' && /^\d{1,20}$/.test(value)) retryMs = Number(value);
  }
  return { events, id: lastId, retryMs };
}
