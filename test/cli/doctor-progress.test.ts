import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DoctorProgress } from '../../src/cli/doctor/progress.ts';
import { Screen } from '../../src/cli/screen.ts';
import { StderrLines } from '../../src/cli/stderr-lines.ts';
import { FakeTerminal } from './fake-terminal.ts';

let stderr: StderrLines;

function progressOn(terminal: FakeTerminal, total: number): DoctorProgress {
  stderr = new StderrLines({ isTTY: true, write: (text) => terminal.write(text) });
  return new DoctorProgress(new Screen(terminal), stderr, total);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

it('what takes less than a second is done without a word', () => {
  const terminal = new FakeTerminal(80, 24);
  const progress = progressOn(terminal, 1);
  progress.start();
  progress.begin('a', 'resolve');
  vi.advanceTimersByTime(999);
  progress.finish('a');
  progress.end();
  expect(terminal.written).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('after a second one line says what it is at, and it is taken away in the end', () => {
  const terminal = new FakeTerminal(60, 24);
  const progress = progressOn(terminal, 3);
  progress.start();
  progress.begin('a', 'handshake');
  vi.advanceTimersByTime(1000);
  expect(terminal.shown).toEqual(['0 of 3 looked at; now a (handshake)']);
  progress.begin('b', 'dial');
  expect(terminal.shown).toEqual(['0 of 3 looked at; now a (handshake), b (dial)']);
  stderr.line('a word');
  expect(terminal.shown).toEqual(['a word', '0 of 3 looked at; now a (handshake), b (dial)']);
  progress.finish('a');
  expect(terminal.shown).toEqual(['a word', '1 of 3 looked at; now b (dial)']);
  progress.begin('a server with a name that is rather long', 'resolve');
  expect(terminal.shown).toEqual(['a word', '1 of 3 looked at; now b (dial), a server with a name that i…']);
  progress.end();
  stderr.line('another');
  expect(terminal.shown).toEqual(['a word', 'another']);
  expect(terminal.cursorHidden).toBe(false);
});
