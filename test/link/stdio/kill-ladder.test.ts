import { describe, expect, test } from 'vitest';
import { KillLadder } from '../../../src/link/stdio/kill-ladder.ts';
import type { LadderGroup } from '../../../src/link/stdio/kill-ladder.ts';

const steps = { stdinGraceMs: 20, termGraceMs: 20, killGraceMs: 60 };

/** A group that obeys the first step named, and dies of SIGKILL unless it is immortal. */
function standIn(obeys: 'EOF' | 'SIGTERM' | 'SIGKILL' | 'nothing', isStopped = false) {
  const log: string[] = [];
  let isGone = false;
  let exit: () => void = () => {};
  const exited = new Promise<void>((resolve) => {
    exit = resolve;
  });
  const take = (step: string): void => {
    log.push(step);
    if (step === obeys || (step === 'SIGKILL' && obeys !== 'nothing')) exit();
    if (step === 'SIGKILL' && obeys !== 'nothing') isGone = true;
  };
  const group: LadderGroup = {
    exited,
    endStdin: () => take('EOF'),
    signal: take,
    isStopped: () => isStopped,
    isGone: () => Promise.resolve(isGone),
  };
  return { log, group };
}

describe('the kill ladder', () => {
  test.each([
    ['EOF', ['EOF', 'SIGKILL']],
    ['SIGTERM', ['EOF', 'SIGTERM', 'SIGKILL']],
    ['SIGKILL', ['EOF', 'SIGTERM', 'SIGKILL']],
    ['nothing', ['EOF', 'SIGTERM', 'SIGKILL']],
  ] as const)(
    'gracefully, for a process that obeys %s, takes the steps %j and then returns',
    async (obeys, expected) => {
      const { log, group } = standIn(obeys);
      await new KillLadder(group, steps).descend('graceful');
      expect(log).toEqual(expected);
    },
  );

  test('kills at once when told to kill', async () => {
    const { log, group } = standIn('EOF');
    await new KillLadder(group, steps).descend('kill');
    expect(log).toEqual(['SIGKILL']);
  });

  test('does not wait for a stopped process to act on anything', async () => {
    const { log, group } = standIn('SIGKILL', true);
    await new KillLadder(group, { ...steps, stdinGraceMs: 600_000, termGraceMs: 600_000 }).descend('graceful');
    expect(log).toEqual(['EOF', 'SIGKILL']);
  });

  test('kill hastens a graceful descent, whatever its graces', async () => {
    const { log, group } = standIn('SIGKILL');
    const ladder = new KillLadder(group, { ...steps, stdinGraceMs: 600_000, termGraceMs: 600_000 });
    const first = ladder.descend('graceful');
    expect(log).toEqual(['EOF']);
    await ladder.descend('kill');
    await first;
    expect(log.slice(0, 2)).toEqual(['EOF', 'SIGKILL']);
    expect(log).not.toContain('SIGTERM');
  });

  test('a graceful call never softens a kill, and sends nothing to a number that is free again', async () => {
    const { log, group } = standIn('SIGKILL');
    const ladder = new KillLadder(group, steps);
    await Promise.all([ladder.descend('kill'), ladder.descend('graceful')]);
    await ladder.descend('kill');
    await ladder.descend('graceful');
    expect(log).toEqual(['SIGKILL']);
  });
});
