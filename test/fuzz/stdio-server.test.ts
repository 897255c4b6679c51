import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startLeakCheck } from '../../src/testing/index.ts';
import { Owner } from '../link/sdk/owner.ts';
import { targetOf } from '../link/stdio/test-server.ts';
import { cutAt, cuts, damaged } from './bytes.ts';
import { fuzz } from './fuzz.ts';
import { FIRST_ID, messageText } from './rpc-text.ts';

const SERVER = join(import.meta.dirname, 'fixtures', 'garbage-server.mjs');

/** None of them answers a request of ours: what is asked later is to be answered by the server itself. */
const line = fc.oneof(
  { weight: 4, arbitrary: messageText([FIRST_ID + 900_000_000]) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);
const garbage = damaged(fc.array(line, { maxLength: 6 }).map((lines) => Buffer.from(lines.join('\n'))));

it('a link to a process lives through whatever that writes, and what the process says next is understood', async () => {
  const leaks = startLeakCheck({ settleMs: 10_000 });
  const owner = await new Owner(targetOf(process.execPath, [SERVER])).opened();
  try {
    await fuzz('wire', fc.record({ garbage, cuts }), async (input) => {
      const pieces = cutAt(input.garbage, input.cuts).map((piece) => piece.toString('base64'));
      expect(await owner.call('fuzz/say', { pieces })).toEqual({ said: true });
      await owner.probe();
      expect(owner.link.isOpen).toBe(true);
    });
    const codes = owner.events.flatMap((event) => (event.type === 'fault' ? [event.fault.code] : []));
    expect(codes.filter((code) => code !== 'bad-message' && code !== 'not-a-message')).toEqual([]);
  } finally {
    await owner.link.close('kill');
  }
  expect(owner.types.indexOf('down')).toBe(owner.types.length - 1);
  await leaks.verify();
});
