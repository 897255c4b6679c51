import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startInspector } from '../../src/inspect/index.ts';
import { chromiumPath, startChromium } from '../dashboard/chromium.ts';
import { world } from '../manager/support.ts';

/** Says that it is there as Stately's page does, and keeps what it is told. */
const stately = `<!doctype html><title>a stand-in</title><script>
window.told = [];
addEventListener('message', ({ data }) => told.push(data));
parent.postMessage({ type: '@statelyai.connected' }, '*');
</script>`;

let browser: Browser;
const undo: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

// Without a browser on this machine there is nothing to show it in; CI has one, or fails.
describe.skipIf(chromiumPath === undefined)('the bridge page in Chromium', () => {
  beforeAll(async () => {
    browser = await startChromium();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
  });

  it('asks no other host for anything until its button is pressed, and then passes on what the relay tells', async () => {
    const w = world();
    await w.add('files');
    const inspector = await startInspector(w.manager, { port: 0 });
    undo.push(() => inspector.close());
    const page = await browser.newPage();
    undo.push(() => page.close());
    const elsewhere: string[] = [];
    const troubles: string[] = [];
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('console', (message) => troubles.push(message.text()));
    await page.route('https://stately.ai/**', async (route) => {
      elsewhere.push(route.request().url());
      await route.fulfill({ contentType: 'text/html', body: stately });
    });
    await page.goto(inspector.link);
    await page.getByRole('button', { name: "Open Stately's inspector and tell it" }).waitFor();
    expect(page.url()).toBe(inspector.url);
    expect(elsewhere).toEqual([]);

    await page.getByRole('button').press('Enter');
    const frame = page.frameLocator('iframe[title="Stately\'s inspector"]').owner();
    await frame.waitFor();
    const inner = await (await frame.elementHandle())?.contentFrame();
    await inner?.waitForFunction('told.length >= 10');
    expect(elsewhere).toEqual(['https://stately.ai/inspect']);
    const names = await inner?.evaluate("told.filter(({ type }) => type === '@xstate.actor').map(({ name }) => name)");
    expect(names).toEqual(['holdfast', 'manager 1', 'health ticker\u0000', 'files', 'link']);

    await inspector.close();
    await page.getByText('It is over: it was ended.').waitFor();
    expect(troubles).toEqual([]);
  });

  it('says so when the token is missing', async () => {
    const inspector = await startInspector(world().manager, { port: 0 });
    undo.push(() => inspector.close());
    const page = await browser.newPage();
    undo.push(() => page.close());
    await page.goto(inspector.url);
    expect(await page.getByRole('status').innerText()).toBe(
      'The token is missing: open the address as it was printed.',
    );
  });
});
