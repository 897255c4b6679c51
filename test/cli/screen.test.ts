import { describe, expect, it } from 'vitest';
import { Screen } from '../../src/cli/screen.ts';
import { FakeTerminal } from './fake-terminal.ts';

function draw(screen: Screen, ...lines: string[]): void {
  screen.draw(
    lines.join('\n'),
    lines.map(({ length }) => length),
  );
}

function opened(columns = 20, rows = 10): { readonly terminal: FakeTerminal; readonly screen: Screen } {
  const terminal = new FakeTerminal(columns, rows);
  terminal.write('$ holdfast up\r\n');
  const screen = new Screen(terminal);
  screen.open();
  return { terminal, screen };
}

describe('drawing', () => {
  it('puts each frame in the place of the one before, below what was there', () => {
    const { terminal, screen } = opened();
    draw(screen, 'one', 'two', 'three');
    expect(terminal.shown).toEqual(['$ holdfast up', 'one', 'two', 'three']);
    draw(screen, '1');
    expect(terminal.shown).toEqual(['$ holdfast up', '1']);
    draw(screen, '1', '', '2');
    expect(terminal.shown).toEqual(['$ holdfast up', '1', '', '2']);
  });

  it('is one write a frame, with wrapping off for no longer than that', () => {
    const { terminal, screen } = opened();
    draw(screen, 'a', 'b');
    draw(screen, 'c', 'd');
    expect(terminal.written.slice(2)).toEqual([
      '\u001b[?2026h\r\u001b[?7l\u001b[2Ka\r\n\u001b[2Kb\r\n\u001b[?7h\u001b[J\u001b[?2026l',
      '\u001b[?2026h\r\u001b[2A\u001b[?7l\u001b[2Kc\r\n\u001b[2Kd\r\n\u001b[?7h\u001b[J\u001b[?2026l',
    ]);
  });

  it('writes nothing for a frame that is no different', () => {
    const { terminal, screen } = opened();
    draw(screen, 'same');
    const writes = terminal.written.length;
    draw(screen, 'same');
    expect(terminal.written.length).toBe(writes);
  });

  it('keeps a line written above, between what was there and the frame', () => {
    const { terminal, screen } = opened();
    draw(screen, 'one', 'two');
    screen.above('news');
    expect(terminal.shown).toEqual(['$ holdfast up', 'news', 'one', 'two']);
    draw(screen, 'three', 'four');
    expect(terminal.shown).toEqual(['$ holdfast up', 'news', 'three', 'four']);
  });

  it('finds the top of the frame again after the terminal became narrower and wrapped it', () => {
    const { terminal, screen } = opened(20, 10);
    draw(screen, '12345678901234567890', 'short');
    const stop = screen.onResize(() => {
      draw(screen, '12345678', 'short');
    });
    terminal.resize(8, 10);
    expect(terminal.shown).toEqual(['$ holdfa', 'st up', '12345678', 'short']);
    stop();
    expect(terminal.listenerCount('resize')).toBe(0);
  });

  it.each([
    [undefined, undefined, { columns: 80, rows: 23 }],
    [0, 0, { columns: 80, rows: 23 }],
    [132, 50, { columns: 132, rows: 49 }],
    [10, 1, { columns: 10, rows: 1 }],
  ])('of a terminal of %s × %s a frame may take %o', (columns, rows, size) => {
    expect(new Screen(new FakeTerminal(columns, rows)).size).toEqual(size);
  });
});

describe('the cursor', () => {
  it('is hidden while open; closing shows it below the last frame, once', () => {
    const { terminal, screen } = opened();
    draw(screen, 'last');
    expect(terminal.cursorHidden).toBe(true);
    screen.close();
    screen.close();
    draw(screen, 'too late');
    expect(terminal).toMatchObject({ cursorHidden: false, wraps: true, shown: ['$ holdfast up', 'last'] });
    expect(terminal.written.filter((text) => text.includes('\u001b[?25h'))).toHaveLength(1);
  });

  it('is shown when the process exits without closing', () => {
    const before = process.listeners('exit');
    const { terminal } = opened();
    const [onExit, ...others] = process.listeners('exit').filter((listener) => !before.includes(listener));
    expect(others).toEqual([]);
    onExit?.call(process, 0);
    expect(terminal.cursorHidden).toBe(false);
    expect(process.listeners('exit')).toEqual(before);
  });
});

it('a line written above while it is not open is written as it is', () => {
  const terminal = new FakeTerminal();
  new Screen(terminal).above('early');
  expect(terminal.written).toEqual(['early\n']);
});
