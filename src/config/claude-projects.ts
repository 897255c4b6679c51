import { basename } from 'node:path';
import type { JsonMember, JsonObject } from './document-value.ts';
import { quoted } from './printable.ts';
import { Report } from './report.ts';

/**
 * The servers that Claude Code keeps for one folder, in `projects` of its `.claude.json`; undefined when there are none. Of servers that it
 * keeps for all folders too, these win.
 */
export function claudeProjectServers(
  projects: JsonMember | undefined,
  folder: string,
  report: Report,
): JsonObject | undefined {
  if (basename(report.file) !== '.claude.json' || projects?.value.type !== 'object') return undefined;
  const project = projects.value.members.find(({ name }) => name === folder)?.value;
  const servers = project?.type === 'object' ? project.members.find(({ name }) => name === 'mcpServers') : undefined;
  return servers?.value.type === 'object' && servers.value.members.length > 0 ? servers.value : undefined;
}

/** The servers for all folders and those for one as one container. */
export function withProjectServers(all: JsonObject | undefined, ofFolder: JsonObject, report: Report): JsonObject {
  if (all === undefined) return ofFolder;
  const members = all.members.filter((member) => {
    const winner = ofFolder.members.find(({ name }) => name === member.name);
    if (winner === undefined) return true;
    const told = new Report(report.file, member.name);
    told.warn('info', member, `not used: the server ${quoted(member.name)} on line ${winner.at.line} takes its place`);
    report.add(told);
    return false;
  });
  return { ...all, members: [...members, ...ofFolder.members] };
}
