import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ServerTarget, Session } from '../../src/index.ts';
import { membersOf } from '../support/processes.ts';
import { firstConnection, pidOf, recovery, Stage, unhurried, untiring } from './stage.ts';

interface Published {
  readonly target: (stage: Stage, id: string) => ServerTarget;
  readonly tools: readonly string[];
  readonly call: (session: Session, stage: Stage) => Promise<unknown>;
  readonly answer: (stage: Stage, id: string) => unknown;
}

const everything: Published = {
  target: (stage, id) => stage.published(id, 'server-everything', ['stdio']),
  tools: ['echo', 'get-sum'],
  call: (session) => session.callTool('get-sum', { a: 19, b: 23 }),
  answer: () => ({ content: [{ type: 'text', text: 'The sum of 19 and 23 is 42.' }] }),
};

const filesystem: Published = {
  target: (stage, id) => stage.published(id, 'server-filesystem', [folderOf(stage, id)]),
  tools: ['list_directory', 'read_text_file'],
  call: (session, stage) => session.callTool('read_text_file', { path: join(folderOf(stage, session.id), 'note.txt') }),
  answer: (_, id) => ({
    content: [{ type: 'text', text: `the note of ${id}` }],
    structuredContent: { content: `the note of ${id}` },
  }),
};

const memory: Published = {
  target: (stage, id) =>
    stage.published(id, 'server-memory', [], { MEMORY_FILE_PATH: join(stage.directory, `${id}.json`) }),
  tools: ['create_entities', 'read_graph'],
  call: async (session) => {
    const entities = [{ name: session.id, entityType: 'server', observations: ['is held'] }];
    await session.callTool('create_entities', { entities });
    const { structuredContent } = await session.callTool('read_graph');
    return structuredContent;
  },
  answer: (_, id) => ({ entities: [{ name: id, entityType: 'server', observations: ['is held'] }], relations: [] }),
};

const thinking: Published = {
  target: (stage, id) => stage.published(id, 'server-sequential-thinking'),
  tools: ['sequentialthinking'],
  call: async (session) => {
    const thought = { thought: 'hold fast', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 };
    const { structuredContent } = await session.callTool('sequentialthinking', thought);
    return structuredContent;
  },
  answer: () => ({
    thoughtNumber: 1,
    totalThoughts: 1,
    nextThoughtNeeded: false,
    branches: [],
    thoughtHistoryLength: 1,
  }),
};

const servers = {
  'everything 1': everything,
  'everything 2': everything,
  'everything 3': everything,
  'files 1': filesystem,
  'files 2': filesystem,
  'memory 1': memory,
  'memory 2': memory,
  'memory 3': memory,
  'thinking 1': thinking,
  'thinking 2': thinking,
} satisfies Record<string, Published>;
const entries = Object.entries<Published>(servers);
const ids = Object.keys(servers);

function folderOf(stage: Stage, id: string): string {
  const folder = join(stage.directory, id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'note.txt'), `the note of ${id}`);
  return folder;
}

const shownBy = (stage: Stage) =>
  Object.fromEntries(
    stage.manager.listSessions().map(({ id, state, generation, pid }) => [id, { state, generation, pid }]),
  );

/** A line on stdout that is no message is a hint, and asks for a check once the session is connected. */
function withoutHints(story: readonly string[]): string[] {
  const lines = story.filter((line) => !line.includes('linkFault'));
  const connected = lines.findIndex((line) => line.endsWith('connected.healthy'));
  return lines.filter((line, index) => index <= connected || !line.endsWith('check ok'));
}

describe('ten published servers under one manager', unhurried, () => {
  test('are all healthy and all answer; kill -9 of one disturbs no other', async () => {
    const stage = new Stage();
    const sessions = await Promise.all(entries.map(([id, { target }]) => stage.add(id, target(stage, id), untiring)));
    expect(stage.manager.sessionStats()).toEqual({
      connecting: 0,
      healthy: 10,
      degraded: 0,
      unhealthy: 0,
      disconnected: 0,
    });
    for (const id of ids) expect(withoutHints(stage.story(id))).toEqual(firstConnection);

    await Promise.all(
      sessions.map(async (session) => {
        const { tools, call, answer } = servers[session.id as keyof typeof servers];
        const listed = (await session.listTools()).map(({ name }) => name);
        expect(listed).toEqual(expect.arrayContaining([...tools]));
        expect(session.catalog.tools.map(({ tool }) => tool.name)).toEqual(listed);
        expect(await call(session, stage)).toEqual(answer(stage, session.id));
      }),
    );
    expect(new Set(stage.manager.listSessions().map(({ pid }) => pid)).size).toBe(10);

    const { now } = stage;
    const before = shownBy(stage);
    const victim = stage.manager.session('memory 2');
    const pid = pidOf(victim);
    const inFlight = sessions
      .filter(({ id }) => id !== 'memory 2')
      .map(async (session) => {
        await session.listTools();
        return session.id;
      });
    process.kill(pid, 'SIGKILL');
    await stage.reaches('memory 2', 'connected.healthy', 2);
    expect(await Promise.all(inFlight)).toEqual(ids.filter((id) => id !== 'memory 2'));

    expect(stage.story('memory 2', now)).toEqual(recovery(1, 1));
    expect(membersOf(pid)).toEqual([]);
    for (const id of ids.filter((other) => other !== 'memory 2'))
      expect(withoutHints(stage.story(id, now))).toEqual([]);
    expect(shownBy(stage)).toEqual({
      ...before,
      'memory 2': { state: 'healthy', generation: 2, pid: pidOf(victim) },
    });
    // What it was told in its first life is in its file.
    expect((await victim.callTool('read_graph')).structuredContent).toEqual(memory.answer(stage, 'memory 2'));
    expect(stage.manager.listSessions().map(({ failedRequests }) => failedRequests)).toEqual(ids.map(() => 0));
    await stage.close();
  });
});
