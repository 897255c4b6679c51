import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exclusively } from '../../src/auth/exclusively.ts';

describe('the lock of a file', () => {
  let directory = '';
  let path = '';

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-lock-'));
    path = join(directory, 'tokens.json');
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function age(file: string): void {
    writeFileSync(file, '');
    utimesSync(file, 0, 0);
  }

  it('of a holder that died is taken over by one of many at a time', async () => {
    for (let round = 0; round < 10; round += 1) {
      age(`${path}.lock`);
      let inside = 0;
      const alone = Array.from({ length: 12 }, () =>
        exclusively(path, async () => {
          inside += 1;
          const isAlone = inside === 1;
          await new Promise((resolve) => setImmediate(resolve));
          inside -= 1;
          return isAlone;
        }),
      );
      expect(await Promise.all(alone)).toEqual(Array.from({ length: 12 }, () => true));
    }
    expect(readdirSync(directory)).toEqual([]);
  });

  it('is taken over also when the one who did that before died of it', async () => {
    age(`${path}.lock`);
    age(`${path}.lock.removal`);
    expect(await exclusively(path, async () => 'done')).toBe('done');
    expect(readdirSync(directory)).toEqual([]);
  });

  it('that was lost for taking too long is left to whom it belongs now', async () => {
    let started: () => void = () => undefined;
    const isRunning = new Promise<void>((resolve) => (started = resolve));
    let end: () => void = () => undefined;
    const isEnded = new Promise<void>((resolve) => (end = resolve));
    let successor: Promise<void> | undefined;
    await exclusively(path, async () => {
      utimesSync(`${path}.lock`, 0, 0);
      successor = exclusively(path, async () => {
        started();
        await isEnded;
      });
      await isRunning;
    });
    expect(readdirSync(directory)).toEqual(['tokens.json.lock']);
    end();
    await successor;
    expect(readdirSync(directory)).toEqual([]);
  });
});
