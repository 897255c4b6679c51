import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { LinkError } from '../../../src/link/fault.ts';
import type { Fault, RequestFailure } from '../../../src/link/fault.ts';
import { StdinQueue } from '../../../src/link/stdio/stdin-queue.ts';
import type { SendOptions } from '../../../src/link/stdio/stdin-queue.ts';

const DEAD: Fault = { kind: 'exit', code: 'exit:1', message: 'It exited.' };

/** A pipe whose reader is the test: each write waits until the test takes it. */
class Pipe {
  readonly writes: string[] = [];
  hasEnded = false;
  #done: ((error?: Error | null) => void)[] = [];
  readonly stream = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      this.writes.push(chunk);
      this.#done.push(done);
    },
    final: (done) => {
      this.hasEnded = true;
      done();
    },
  });

  constructor() {
    this.stream.on('error', () => {});
  }

  /** Lets the write that waits succeed or fail, and returns when its callback has run. */
  async take(error?: Error): Promise<void> {
    this.#done.shift()?.(error);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

function queueing(maxBytes = 1000) {
  const pipe = new Pipe();
  const broken: Error[] = [];
  const thrown: unknown[] = [];
  const progress: number[] = [];
  const queue: StdinQueue = new StdinQueue({
    stdin: pipe.stream,
    maxBytes,
    onBroken: (error) => broken.push(error),
    onProgress: () => progress.push(queue.queuedBytes),
    onHandlerError: (error) => thrown.push(error),
  });
  const settled: Record<string, RequestFailure | 'sent'> = {};
  const push = (frame: string, options?: SendOptions, isAnswer = false): void => {
    queue.push(frame, isAnswer, options).then(
      () => (settled[frame] = 'sent'),
      (error: unknown) => {
        if (error instanceof LinkError) settled[frame] = error.failure;
      },
    );
  };
  return { pipe, queue, push, settled, broken, thrown, progress };
}

describe('a stdin queue', () => {
  test('writes eight waiting frames before the callback when the pipe has taken the write before, and lets the rest wait', async () => {
    const writes: string[] = [];
    const stdin = new Writable({
      decodeStrings: false,
      write: (chunk: string, _encoding, done) => {
        writes.push(chunk);
        done();
      },
    });
    const ignore = (): void => undefined;
    const queue = new StdinQueue({
      stdin,
      maxBytes: 1000,
      onBroken: ignore,
      onProgress: ignore,
      onHandlerError: ignore,
    });
    const sent = 'abcdefghijklmnopqrst'.split('').map((frame) => queue.push(frame, false));
    expect(writes).toEqual(['a', 'bcdefghi', 'jklmnopq']);
    await Promise.all(sent);
    expect(writes).toEqual(['a', 'bcdefghi', 'jklmnopq', 'rst']);
    expect(queue.queuedBytes).toBe(0);
  });

  test('makes no second write into a pipe that has not taken the first, however many frames wait', async () => {
    const { pipe, push } = queueing();
    for (const frame of 'abcdefghijklmnopqrst') push(frame);
    expect(pipe.writes).toEqual(['a']);
    await pipe.take();
    expect(pipe.writes).toEqual(['a', 'bcdefghijklmnopqrst']);
  });

  test('settles every frame of writes that fail together as perhaps sent, and is broken once', async () => {
    const stdin = new Writable({
      decodeStrings: false,
      write: (_chunk, _encoding, done) => done(writesSoFar++ === 0 ? null : new Error('EPIPE')),
    });
    let writesSoFar = 0;
    stdin.on('error', () => undefined);
    const broken: Error[] = [];
    const queue: StdinQueue = new StdinQueue({
      stdin,
      maxBytes: 1000,
      onBroken: (error) => {
        broken.push(error);
        queue.fail(DEAD);
      },
      onProgress: () => undefined,
      onHandlerError: () => undefined,
    });
    const outcomes = await Promise.allSettled('abcdefghijkl'.split('').map((frame) => queue.push(frame, false)));
    expect(broken).toHaveLength(1);
    expect(
      outcomes.map((outcome) =>
        outcome.status === 'rejected' && outcome.reason instanceof LinkError ? outcome.reason.failure : 'sent',
      ),
    ).toEqual([
      'sent',
      ...Array.from({ length: 8 }, () => ({ kind: 'link', sent: true, fault: DEAD })),
      ...Array.from({ length: 3 }, () => ({ kind: 'link', sent: false, fault: DEAD })),
    ]);
  });

  test('writes the first frame at once and the next only after the callback of the write before', async () => {
    const { pipe, push, settled } = queueing();
    push('a');
    push('b');
    push('c');
    expect(pipe.writes).toEqual(['a']);
    await pipe.take();
    expect(pipe.writes).toEqual(['a', 'bc']);
    expect(settled).toEqual({ a: 'sent' });
    await pipe.take();
    expect(settled).toEqual({ a: 'sent', b: 'sent', c: 'sent' });
  });

  test('joins waiting frames up to 64 kB and lets a larger one go alone', async () => {
    const { pipe, push } = queueing(1_000_000);
    const [half, large] = ['h'.repeat(40_000), 'l'.repeat(200_000)];
    push('first');
    for (const frame of [half, half, large, 'last']) push(frame);
    for (let n = 0; n < 5; n += 1) await pipe.take();
    expect(pipe.writes.map((write) => write.length)).toEqual([5, 40_000, 40_000, 200_000, 4]);
  });

  test('asks whether a frame is still wanted, and tells that it goes, immediately before its write', async () => {
    const { pipe, push, settled } = queueing();
    const log: string[] = [];
    const watched = (frame: string, isWanted: boolean): void =>
      push(frame, {
        stillWanted: () => {
          log.push(`${frame}? after ${pipe.writes.length} writes`);
          return isWanted;
        },
        onHandedOver: () => log.push(`${frame}! after ${pipe.writes.length} writes`),
      });
    watched('a', true);
    watched('b', false);
    watched('c', true);
    expect(log).toEqual(['a? after 0 writes', 'a! after 0 writes']);
    await pipe.take();
    expect(log.slice(2)).toEqual(['b? after 1 writes', 'c? after 1 writes', 'c! after 1 writes']);
    expect(pipe.writes).toEqual(['a', 'c']);
    expect(settled['b']).toEqual({ kind: 'aborted', sent: false });
  });

  test('refuses what exceeds its bound in bytes, not in characters, and takes more once there is room', async () => {
    const { pipe, queue, push, settled } = queueing(10);
    push('aaaa');
    push('éé');
    expect(queue.queuedBytes).toBe(8);
    push('ŽŽ');
    await pipe.take();
    expect(settled['ŽŽ']).toEqual({
      kind: 'link',
      sent: false,
      fault: {
        kind: 'overload',
        code: 'stdin-queue-full',
        message:
          '2 messages, 8 of at most 10 bytes, already wait for the stdin of the server: it does not read. Try again later.',
      },
    });
    expect(queue.queuedBytes).toBe(4);
    push('bbbbbb');
    await pipe.take();
    await pipe.take();
    expect(pipe.writes).toEqual(['aaaa', 'éé', 'bbbbbb']);
    expect(queue.queuedBytes).toBe(0);
  });

  test('says of a frame that can never fit that it is too large', async () => {
    const { push, settled, pipe } = queueing(10);
    push('x'.repeat(11));
    await pipe.take();
    expect(Object.values(settled)[0]).toMatchObject({
      sent: false,
      fault: {
        kind: 'overload',
        code: 'stdin-queue-full',
        message: expect.stringContaining('larger than the 10 bytes'),
      },
    });
  });

  test('tells when bytes have left it, by being written or by being dropped', async () => {
    const { pipe, push, progress } = queueing();
    push('aa');
    push('bbb', { stillWanted: () => false });
    expect(progress).toEqual([]);
    await pipe.take();
    expect(progress[0]).toBe(0);
    push('cccc', { stillWanted: () => false });
    expect(progress.length).toBeGreaterThan(1);
    expect(progress.every((queuedBytes) => queuedBytes === 0)).toBe(true);
  });

  test('takes no more than 16 384 frames that wait, however small', async () => {
    const { pipe, queue, push, settled } = queueing(1_000_000);
    push('first');
    for (let n = 0; n < 16_384; n += 1) push('.');
    expect(settled).toEqual({});
    push('too many');
    await pipe.take();
    expect(settled['too many']).toMatchObject({ sent: false, fault: { kind: 'overload', code: 'stdin-queue-full' } });
    expect(queue.queuedBytes).toBe(16_384);
    push('room again');
    while (queue.queuedBytes > 0) await pipe.take();
    expect(settled['room again']).toBe('sent');
  });

  test('counts answers apart', async () => {
    const { pipe, queue, push } = queueing();
    push('aa', undefined, true);
    push('bbb');
    push('cccc', { stillWanted: () => false }, true);
    expect([queue.queuedBytes, queue.answerBytes]).toEqual([9, 6]);
    await pipe.take();
    expect([queue.queuedBytes, queue.answerBytes]).toEqual([3, 0]);
    await pipe.take();
    expect([queue.queuedBytes, queue.answerBytes]).toEqual([0, 0]);
  });

  test('on failure, what was handed over may have been sent and the rest was not', async () => {
    const { pipe, queue, push, settled } = queueing();
    push('a');
    push('b');
    queue.fail(DEAD);
    push('c');
    await pipe.take();
    expect(settled).toEqual({
      a: { kind: 'link', sent: true, fault: DEAD },
      b: { kind: 'link', sent: false, fault: DEAD },
      c: { kind: 'link', sent: false, fault: DEAD },
    });
    expect(pipe.writes).toEqual(['a']);
    expect(queue.queuedBytes).toBe(0);
  });

  test('a broken pipe settles nothing by itself: EPIPE proves nothing, and what ended the process is told later', async () => {
    const { pipe, queue, push, settled, broken } = queueing();
    push('a');
    push('b');
    await pipe.take(new Error('EPIPE'));
    expect(broken.map(({ message }) => message)).toEqual(['EPIPE']);
    expect(settled).toEqual({});
    queue.fail(DEAD);
    await pipe.take();
    expect(settled).toMatchObject({ a: { sent: true, fault: DEAD }, b: { sent: false, fault: DEAD } });
  });

  test('hands nothing over once it is stopped', async () => {
    const { pipe, queue, push, settled } = queueing();
    push('a');
    push('b');
    queue.stop();
    await pipe.take();
    expect(pipe.writes).toEqual(['a']);
    queue.fail(DEAD);
    await pipe.take();
    expect(settled).toMatchObject({ a: 'sent', b: { sent: false } });
  });

  test('a frame whose own question stops the queue stays unsent', async () => {
    const { pipe, queue, push, settled } = queueing();
    push('a', {
      stillWanted: () => {
        queue.stop();
        return true;
      },
    });
    push('b', {
      stillWanted: () => {
        throw new Error('never asked');
      },
    });
    queue.fail(DEAD);
    await pipe.take();
    expect(pipe.writes).toEqual([]);
    expect(settled).toMatchObject({ a: { sent: false, fault: DEAD }, b: { sent: false, fault: DEAD } });
  });

  test('a frame whose own question fails the queue stays unsent', async () => {
    const { pipe, queue, push, settled } = queueing();
    push('a', {
      stillWanted: () => {
        queue.fail(DEAD);
        return true;
      },
    });
    await pipe.take();
    expect(pipe.writes).toEqual([]);
    expect(settled).toEqual({ a: { kind: 'link', sent: false, fault: DEAD } });
  });

  test('ends stdin after everything that waits', async () => {
    const { pipe, queue, push } = queueing();
    push('a');
    push('b');
    queue.end();
    expect(pipe.hasEnded).toBe(false);
    await pipe.take();
    await pipe.take();
    expect(pipe.writes).toEqual(['a', 'b']);
    expect(pipe.hasEnded).toBe(true);
  });

  test('a question that throws drops its frame, a notice that throws does not, and the queue goes on', async () => {
    const { pipe, push, settled, thrown } = queueing();
    push('a', {
      stillWanted: () => {
        throw new Error('question');
      },
    });
    push('b', {
      onHandedOver: () => {
        throw new Error('notice');
      },
    });
    await pipe.take();
    push('c');
    await pipe.take();
    expect(settled).toEqual({ a: { kind: 'aborted', sent: false }, b: 'sent', c: 'sent' });
    expect(thrown).toEqual([new Error('question'), new Error('notice')]);
  });

  test('keeps the order of thousands of frames', async () => {
    const { pipe, push, queue } = queueing(1_000_000);
    const frames = Array.from({ length: 5000 }, (_, n) => `${n}\n`);
    for (const frame of frames) push(frame);
    while (queue.queuedBytes > 0) await pipe.take();
    expect(pipe.writes.join('')).toBe(frames.join(''));
  });
});
