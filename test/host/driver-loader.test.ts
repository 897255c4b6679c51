import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadingDriver } from '../../src/host/driver-loader.ts';
import { built } from '../support/built.ts';
import { expectNothingLeft, failureOf, flush, Owner } from '../link/sdk/owner.ts';
import { ScriptedTransport } from '../link/sdk/scripted-transport.ts';

const CLOSED_EVENT = {
  type: 'down',
  fault: { kind: 'closed', code: 'closed', message: 'The link was closed by its owner.' },
};

/** Runs a program in a plain Node process in which every import of the SDK is printed and then fails. */
async function runWithoutSdk(program: string): Promise<string[]> {
  const hooks = `
    import { writeSync } from 'node:fs';
    export async function resolve(specifier, context, next) {
      if (!specifier.startsWith('@modelcontextprotocol/')) return next(specifier, context);
      writeSync(1, 'imported the SDK\\n');
      throw Object.assign(new Error('The SDK is not installed.'), { code: 'ERR_MODULE_NOT_FOUND' });
    }`;
  const register = `
    import { register } from 'node:module';
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`;
  const loader = pathToFileURL(`${await built()}/host/driver-loader.js`).href;
  const { stdout } = await promisify(execFile)(process.execPath, [
    `--import=data:text/javascript,${encodeURIComponent(register)}`,
    '--input-type=module',
    '--eval',
    `const { loadingDriver } = await import(${JSON.stringify(loader)});
     console.log('imported the loader');
     ${program}`,
  ]);
  return stdout.trim().split('\n');
}

describe('the loading driver', () => {
  expectNothingLeft();

  it('does not load the SDK when it is imported', async () => {
    expect(await runWithoutSdk('')).toEqual(['imported the loader']);
  });

  it('loads the SDK for the first link, and a link without it is down with kind internal', async () => {
    const lines = await runWithoutSdk(`
      const link = loadingDriver.open({ target: {}, onEvent: (event) => console.log(JSON.stringify(event)) });
      console.log('opened', link.isOpen);`);
    expect([...new Set(lines)]).toEqual([
      'imported the loader',
      'opened false',
      'imported the SDK',
      JSON.stringify({
        type: 'down',
        fault: { kind: 'internal', code: 'driver-load-failed', message: 'The SDK is not installed.' },
      }),
    ]);
  });

  it('closed before the import has finished never connects, and answers like a closed link', async () => {
    let asked = 0;
    const owner = new Owner(
      {
        kind: 'custom',
        factory: () => {
          asked += 1;
          return new ScriptedTransport();
        },
      },
      { driver: loadingDriver },
    );
    expect(await failureOf(owner.call('tools/list'))).toMatchObject({
      kind: 'link',
      sent: false,
      fault: { code: 'not-open' },
    });
    await owner.link.close('graceful');
    expect(owner.events).toEqual([CLOSED_EVENT]);
    const refused = { kind: 'link', sent: false, fault: CLOSED_EVENT.fault };
    expect(await failureOf(owner.call('tools/list'))).toEqual(refused);
    expect(await failureOf(owner.probe())).toEqual(refused);
    expect(await failureOf(owner.link.notify('x', {}))).toEqual(refused);
    const refusedOne = owner.link.probe();
    refusedOne.cancel();
    expect(await failureOf(refusedOne.answer)).toEqual(refused);
    await import('../../src/link/sdk-v1/sdk-v1-driver.ts');
    await flush();
    expect([asked, owner.events, owner.link.isOpen]).toEqual([0, [CLOSED_EVENT], false]);
  });

  it('gives a link that opens, calls, probes, notifies and closes', async () => {
    const transport = new ScriptedTransport();
    const owner = await new Owner({ kind: 'once', transport }, { driver: loadingDriver }).opened();
    expect([loadingDriver.name, owner.link.isOpen]).toEqual(['sdk', true]);
    const call = owner.call('tools/list');
    transport.answer((await transport.sentMethod('tools/list')).id, { tools: [] });
    const probe = owner.probe();
    transport.answer((await transport.sentMethod('ping')).id);
    expect([await call, await probe]).toEqual([{ tools: [] }, undefined]);
    await owner.link.notify('notifications/x', { a: 1 });
    expect(transport.sent.at(-1)).toEqual({ jsonrpc: '2.0', method: 'notifications/x', params: { a: 1 } });
    await owner.link.close('graceful');
    expect([owner.types, owner.link.isOpen]).toEqual([['opened', 'down'], false]);
  });
});
