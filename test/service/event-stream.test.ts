import { expect, it } from 'vitest';
import { eventSocket, messagesOf, startStage } from './stage.ts';

it('a reader is told everything first, then each change and each event', async () => {
  const stage = await startStage();
  const { manager, service } = stage;
  let step = 0;
  const { status, headers, body } = await stage.ask('/api/events', {
    leaveWhen: (text) => {
      const messages = messagesOf(text);
      if (step === 0 && messages.length > 0) {
        step = 1;
        stage.servers.server('a').kill('SIGKILL');
      }
      const isBack = messages.some(
        ({ event, data }) => event === 'happened' && data['serverId'] === 'a' && data['to'] === 'healthy',
      );
      const isShown = messages.at(-1)?.event === 'changes';
      if (step === 1 && isBack && isShown) {
        step = 2;
        service.setProblems([
          { file: 'x.json', line: 1, column: 2, field: null, serverId: null, problem: 'wrong', fix: 'mend it' },
        ]);
      }
      return messages.some(({ data }) => data['problems'] !== undefined && data['schema'] === undefined);
    },
  });
  expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
  const messages = messagesOf(body);
  expect(messages[0]?.event).toBe('snapshot');
  const infos = new Map<unknown, unknown>();
  const seqs = messages.flatMap(({ event, data }) => (event === 'happened' ? [Number(data['seq'])] : []));
  expect(seqs).toEqual(seqs.map((_seq, index) => Number(messages[0]?.data['seq']) + index + 1));
  for (const { data } of messages) {
    const sessions: unknown = data['sessions'];
    for (const info of Array.isArray(sessions) ? sessions : []) infos.set(info.id, info);
  }
  expect([...infos.values()]).toEqual(manager.listSessions());
});

it('state is joined for a reader that does not read: what it is told at last is the present', async () => {
  const stage = await startStage();
  const socket = await eventSocket(stage);
  await expect.poll(() => socket.bytesWritten > 0).toBe(true);
  // More than a socket's buffers hold.
  const memoryBefore = process.memoryUsage().heapUsed;
  for (let round = 0; round < 2_000; round += 1) {
    stage.service.setProblems([
      { file: 'x'.repeat(20_000), line: round, column: 1, field: null, serverId: null, problem: 'p', fix: 'f' },
    ]);
    // A turn for the socket, and for the pause between two messages to pass now and then.
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(process.memoryUsage().heapUsed - memoryBefore).toBeLessThan(64 * 1024 * 1024);
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (text += chunk));
  socket.resume();
  await expect.poll(() => text.includes('"line":1999'), { timeout: 10_000 }).toBe(true);
  socket.destroy();
});

it('readers beyond the limit are refused, those within are served, and all are ended with the service', async () => {
  const stage = await startStage({ maxReaders: 40 });
  const sockets = await Promise.all(Array.from({ length: 40 }, () => eventSocket(stage)));
  const heads = await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<string>((resolve) => {
          socket.once('data', (chunk) => {
            resolve(String(chunk).slice(0, 12));
          });
          socket.resume();
        }),
    ),
  );
  expect(new Set(heads)).toEqual(new Set(['HTTP/1.1 200']));
  const { status, headers } = await stage.ask('/api/events');
  expect([status, headers['retry-after']]).toEqual([503, '5']);
  expect((await stage.ask('/api/sessions')).status).toBe(200);
  const ended = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  await stage.service.close();
  await ended;
});

it('a thousand idle readers cost no timer of the manager and nothing while nothing changes', async () => {
  const stage = await startStage({ maxReaders: 1_000 });
  const sockets = await Promise.all(Array.from({ length: 1_000 }, () => eventSocket(stage)));
  let heard = 0;
  for (const socket of sockets) {
    socket.on('data', (chunk: Buffer) => {
      if (chunk.includes('event: snapshot')) heard += 1;
    });
    socket.resume();
  }
  await expect.poll(() => heard, { timeout: 20_000 }).toBe(1_000);
  expect((await stage.ask('/api/sessions')).status).toBe(200);
  for (const socket of sockets) socket.destroy();
}, 60_000);

it('that nothing is held any more is told before the streams end', async () => {
  const stage = await startStage();
  let isAsked = false;
  const { body, end } = await stage.ask('/api/events', {
    leaveWhen: (text) => {
      if (!isAsked && text.includes('snapshot')) {
        isAsked = true;
        stage.service.stopping();
        void stage.service.close();
      }
      return false;
    },
  });
  expect(end).toBe('complete');
  expect(messagesOf(body).at(-1)).toMatchObject({ event: 'changes', data: { stopping: true } });
});
