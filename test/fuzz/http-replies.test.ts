import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startLeakCheck } from '../../src/testing/index.ts';
import { targetOf } from '../link/http/rig.ts';
import { Owner } from '../link/sdk/owner.ts';
import { fateOf } from './fates.ts';
import { fuzz } from './fuzz.ts';
import { scriptedReply } from './http-reply-bytes.ts';
import { ReplyServer } from './reply-server.ts';
import type { ScriptedReply } from './reply-server.ts';
import { FIRST_ID, INITIALIZE_ID } from './rpc-text.ts';

function replies(ours: readonly number[], most: number): fc.Arbitrary<ScriptedReply[]> {
  return fc.array(scriptedReply(ours), { minLength: 1, maxLength: most });
}

/** Runs the fuzzer against one server, and makes sure that each link is down once, and last, and that nothing is left in the end. */
async function fuzzServer(
  inputs: fc.Arbitrary<ScriptedReply[]>,
  method: string,
  check: (owner: Owner, replyCount: number) => Promise<void>,
): Promise<void> {
  const leaks = startLeakCheck({ settleMs: 10_000 });
  const server = await ReplyServer.start();
  try {
    await fuzz('wire', inputs, async (scripted) => {
      server.script({ [method]: scripted });
      const owner = new Owner(targetOf(server.url));
      try {
        await check(owner, scripted.length);
      } finally {
        await owner.link.close('kill');
      }
      expect(owner.types.indexOf('down')).toBe(owner.types.length - 1);
    });
  } finally {
    await server.stop();
  }
  await leaks.verify();
}

it('whatever a server replies to a call, the call settles, and a link that still stands is of use', async () => {
  await fuzzServer(replies([FIRST_ID, FIRST_ID + 1], 2), 'tools/call', async (owner, replyCount) => {
    await owner.opened();
    const fates = Array.from({ length: replyCount }, () => fateOf(owner.call('tools/call', { name: 'x' })));
    expect((await Promise.all(fates)).filter((fate) => fate !== 'answered' && fate !== 'failed')).toEqual([]);
    const probe = await fateOf(owner.probe());
    // Only a link that is going down, which takes a moment, may fail to be probed.
    if (probe !== 'answered') await owner.first('down');
    expect([probe, owner.types.includes('down')]).toEqual(
      probe === 'answered' ? ['answered', false] : ['failed', true],
    );
  });
});

it('whatever a server replies to initialize, the link opens, goes down, or has reported what came', async () => {
  await fuzzServer(replies([INITIALIZE_ID], 1), 'initialize', async (owner) => {
    await Promise.race([owner.first('opened'), owner.first('down'), owner.first('fault')]);
    expect(owner.link.isOpen && owner.types.includes('down')).toBe(false);
  });
});
