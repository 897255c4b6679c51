import type { JsonMember } from './document-value.ts';
import { quoted } from './printable.ts';
import { Report } from './report.ts';
import { serverIdFault } from './server-id.ts';

/**
 * The entries of servers or groups with a usable id of their own. Of a repeated id none is taken: which one is meant cannot be
 * known. The ids of both follow one rule.
 */
export function acceptedEntries(
  entries: readonly JsonMember[],
  what: 'server' | 'group',
  report: Report,
): readonly JsonMember[] {
  const byId = new Map<string, JsonMember>();
  const refused = new Set<string>();
  for (const entry of entries) {
    const ofEntry = new Report(report.file, what === 'server' ? entry.name : null);
    const first = byId.get(entry.name);
    const fault = serverIdFault(entry.name);
    if (first !== undefined) {
      const problem = `the ${what} ${quoted(entry.name)} is given twice, first on line ${first.at.line}`;
      ofEntry.problem(entry, problem, 'rename or remove one of the two; until then neither starts');
    } else if (fault !== undefined) {
      ofEntry.problem(
        entry,
        `the ${what} id ${quoted(entry.name)} ${fault}`,
        `choose an id of 1 to 64 characters, such as ${what === 'server' ? '"files"' : '"pair"'}`,
      );
    }
    if (ofEntry.problems.length > 0) refused.add(entry.name);
    byId.set(entry.name, first ?? entry);
    report.add(ofEntry);
  }
  return entries.filter(({ name }) => !refused.has(name));
}
