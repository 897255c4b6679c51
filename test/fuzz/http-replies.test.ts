import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LinkError } from '../../src/link/fault.ts';
import { startLeakCheck } from '../../src/testing/index.ts';
import { targetOf } from '../link/http/rig.ts';
import { Owner } from '../link/sdk-v1/owner.ts';
import { cutAt, cuts } from './bytes.ts';
import { fuzz } from './fuzz.ts';
import { replyBytes } from './http-reply-bytes.ts';
import { ReplyServer } from './reply-server.ts';
import type { ScriptedReply } from './reply-server.ts';
import { FIRST_ID } from './rpc-text.ts';

const scripted = fc.record({
  bytes: replyBytes([FIRST_ID, FIRST_ID + 1]),
  cuts,
  ending: fc.constantFrom<ScriptedReply['ending']>('end', 'reset', 'later'),
});

/** What a request came to, in words; nothing but a result or a `LinkError` is right. */
async function fateOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return 'answered';
  } catch (error) {
    return error instanceof LinkError ? 'failed' : `not ours: ${String(error)}`;
  }
}

it('whatever a server replies to a call, the call settles, and a link that still stands is of use', async () => {
  const leaks = startLeakCheck({ settleMs: 10_000 });
  const server = await ReplyServer.start();
  try {
    await fuzz('wire', fc.array(scripted, { minLength: 1, maxLength: 2 }), async (replies) => {
      server.script(replies.map(({ bytes, cuts: shares, ending }) => ({ pieces: cutAt(bytes, shares), ending })));
      const owner = await new Owner(targetOf(server.url)).opened();
      try {
        const fates = replies.map(() => fateOf(owner.call('tools/call', { name: 'x' })));
        expect((await Promise.all(fates)).filter((fate) => fate !== 'answered' && fate !== 'failed')).toEqual([]);
        const probe = await fateOf(owner.probe());
        // Only a link that is going down, which takes a moment, may fail to be probed.
        if (probe !== 'answered') await owner.first('down');
        expect([probe, owner.types.includes('down')]).toEqual(
          probe === 'answered' ? ['answered', false] : ['failed', true],
        );
      } finally {
        await owner.link.close('kill');
      }
      expect(owner.types.filter((type) => type === 'down')).toEqual(['down']);
      expect(owner.types.at(-1)).toBe('down');
    });
  } finally {
    await server.stop();
  }
  await leaks.verify();
});
