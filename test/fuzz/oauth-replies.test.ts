import fc from 'fast-check';
import { expect, it } from 'vitest';
import { startLeakCheck } from '../../src/testing/index.ts';
import { TestProvider } from '../link/http/auth-server.ts';
import { targetOf } from '../link/http/rig.ts';
import { Owner } from '../link/sdk/owner.ts';
import { fateOf } from './fates.ts';
import { fuzz } from './fuzz.ts';
import { challenge, INJECTED, oauthReplies, OVERSIZED } from './oauth-text.ts';
import { ReplyServer } from './reply-server.ts';
import type { ScriptedReply } from './reply-server.ts';

/** More than one renewal of a token can need, whatever it is told. */
const MOST_REQUESTS = 60;
const SECRETS = ['token-0', 'refresh-secret', 'client-secret', 'verifier-secret'];

/** A provider that knows a client and old tokens, some of them, or none. */
class FuzzedProvider extends TestProvider {
  readonly #knowsClient: boolean;
  #client: { readonly client_id: string } | undefined;

  constructor(issuer: string, { knowsClient, hasTokens }: { knowsClient: boolean; hasTokens: boolean }) {
    super(issuer, hasTokens ? { refresh_token: 'refresh-secret' } : undefined);
    this.#knowsClient = knowsClient;
  }

  override clientInformation(): { client_id: string; issuer: string } {
    const known = { ...super.clientInformation(), client_secret: 'client-secret' };
    // What the type of the other provider cannot say: nobody has registered this client yet.
    return this.#knowsClient ? known : (this.#client as typeof known);
  }

  saveClientInformation(client: { readonly client_id: string }): void {
    this.#client = client;
  }
}

function isSendable(token = ''): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(token);
}

function refusing(wanted: string): ScriptedReply {
  const head = `HTTP/1.1 401 No\r\nwww-authenticate: ${wanted}\r\ncontent-length: 0\r\n\r\n`;
  return { pieces: [Buffer.from(head, 'latin1')], ending: 'stay' };
}

it('whatever is said about how to get a token, the call settles, and the link stands or wants credentials', async () => {
  const leaks = startLeakCheck({ settleMs: 10_000 });
  const server = await ReplyServer.start();
  const inputs = fc.record({
    wanted: challenge(server.origin),
    isRefusedTwice: fc.boolean(),
    replies: oauthReplies(server.origin),
    knowsClient: fc.boolean(),
    hasTokens: fc.boolean(),
  });
  try {
    await fuzz('wire', inputs, async ({ wanted, isRefusedTwice, replies, ...known }) => {
      const refusals = [refusing(wanted), ...(isRefusedTwice ? [refusing(wanted)] : [])];
      server.script({ ...replies, 'tools/call': refusals });
      const provider = new FuzzedProvider(server.origin, known);
      const owner = await new Owner(targetOf(server.url, { auth: provider })).opened();
      try {
        const fate = await fateOf(owner.call('tools/call', { name: 'x' }));
        // A token that no header can carry fails each request by itself, unsent.
        const isDown = fate === 'failed' && isSendable(provider.tokens()?.access_token);
        const end = isDown ? (await owner.first('down')).fault.kind : null;
        expect([fate, end, owner.types.includes('down')]).toEqual([
          fate === 'answered' ? 'answered' : 'failed',
          isDown ? 'auth' : null,
          isDown,
        ]);
        expect(server.heard.length).toBeLessThanOrEqual(MOST_REQUESTS);
        const wrong = new RegExp(`^${INJECTED}|Bearer ${OVERSIZED}`, 'm');
        expect(server.heard.filter(({ head }) => wrong.test(head))).toEqual([]);
        const told = JSON.stringify(owner.events);
        expect(SECRETS.filter((secret) => told.includes(secret))).toEqual([]);
      } finally {
        await owner.link.close('kill');
      }
      expect(owner.types.indexOf('down')).toBe(owner.types.length - 1);
    });
  } finally {
    await server.stop();
  }
  await leaks.verify();
});
