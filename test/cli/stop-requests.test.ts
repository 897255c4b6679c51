import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { onStopRequests } from '../../src/cli/stop-requests.ts';

function listening() {
  const source = new EventEmitter();
  const heard: unknown[] = [];
  let nowMs = 0;
  const hear = (what: string) => (detail: unknown) => {
    heard.push([what, detail]);
  };
  const listener = { stop: hear('stop'), force: hear('force'), abandon: hear('abandon'), crash: hear('crash') };
  const stopListening = onStopRequests(listener, source, () => nowMs);
  const signalAt = (atMs: number, signal: string): void => {
    nowMs = atMs;
    source.emit(signal, signal);
  };
  return { source, heard, signalAt, stopListening };
}

it('the first signal stops, the second forces, the third abandons', () => {
  const { heard, signalAt } = listening();
  signalAt(0, 'SIGINT');
  signalAt(400, 'SIGINT');
  signalAt(800, 'SIGINT');
  expect(heard).toEqual([
    ['stop', 130],
    ['force', 130],
    ['abandon', 130],
  ]);
});

it('a Ctrl-C that npm passes on as well counts once', () => {
  const { heard, signalAt } = listening();
  signalAt(0, 'SIGINT');
  signalAt(20, 'SIGINT');
  signalAt(299, 'SIGINT');
  expect(heard).toEqual([['stop', 130]]);
});

it('another signal is another request, however soon it comes', () => {
  const { heard, signalAt } = listening();
  signalAt(0, 'SIGINT');
  signalAt(1, 'SIGTERM');
  signalAt(2, 'SIGHUP');
  expect(heard).toEqual([
    ['stop', 130],
    ['force', 143],
    ['abandon', 143],
  ]);
});

it('tells of uncaught errors, and of nothing once it is told to stop listening', () => {
  const { source, heard, stopListening } = listening();
  source.emit('uncaughtException', 'boom');
  expect(heard).toEqual([['crash', 'boom']]);
  stopListening();
  expect(source.eventNames()).toEqual([]);
});
