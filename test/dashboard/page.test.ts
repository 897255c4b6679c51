import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { dashboardAsset } from '../../src/dashboard/index.ts';
import { diagram } from '../../src/inspect/index.ts';
import { simulated, startStage } from '../service/stage.ts';
import type { Stage } from '../service/stage.ts';
import { built } from '../support/built.ts';
import { chromiumPath, startChromium } from './chromium.ts';

/** Not a literal: what is built is no part of what is type-checked. */
const entry = '../../dist/dashboard/index.js';
const markup = '<img src=x onerror="document.title=1">';

let browser: Browser;
let asset: typeof dashboardAsset;

// Without a browser on this machine there is nothing to show it in; CI has one, or fails.
describe.skipIf(chromiumPath === undefined)('the dashboard in Chromium', () => {
  beforeAll(async () => {
    await built();
    ({ dashboardAsset: asset } = await import(entry));
    browser = await startChromium();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
  });

  interface Shown extends Stage {
    readonly page: Page;
    /** Whatever the page has complained of, or asked of any other address. */
    readonly troubles: readonly string[];
  }

  async function open(viewport = { width: 1280, height: 900 }): Promise<Shown> {
    const charts = (): { session: string; group: string } => ({
      session: diagram('session', 'svg'),
      group: diagram('group', 'svg'),
    });
    const stage = await startStage({ asset, charts });
    const page = await browser.newPage({ viewport, colorScheme: 'dark' });
    onTestFinished(() => page.close());
    const troubles: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
    });
    page.on('pageerror', (error) => troubles.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith(stage.base) && !request.url().startsWith('data:')) troubles.push(request.url());
    });
    await page.goto(stage.service.link ?? '');
    await page.getByRole('article', { name: 'server a' }).waitFor();
    return { ...stage, page, troubles };
  }

  it('shows servers and groups, and takes the token out of the address', async () => {
    const { page, base, troubles } = await open();
    expect(page.url()).toBe(`${base}/`);
    expect(
      await page.getByRole('article').evaluateAll((cards) => cards.map((card) => card.getAttribute('aria-label'))),
    ).toEqual(['server a', 'server b', 'group pair']);
    expect(await page.getByRole('article', { name: 'server a' }).innerText()).toMatch(/healthy[\s\S]*generation\s*1/u);
    expect(await page.getByRole('listitem').filter({ hasText: 'healthy' }).first().innerText()).toBe('2 healthy');
    await page.reload();
    await page.getByRole('article', { name: 'server b' }).waitFor();
    expect(troubles).toEqual([]);
  });

  it('follows a server that fails and comes back, its group, and tells of both in the log', async () => {
    const { page, servers, troubles } = await open();
    const card = page.getByRole('article', { name: 'server a' });
    servers.server('a', { refuse: { kind: 'transport', code: 'ECONNREFUSED', message: 'nobody is there' } });
    servers.server('a').kill();
    await card.getByText('disconnected', { exact: false }).first().waitFor();
    await card.getByText('nobody is there').first().waitFor();
    await card
      .getByText(/^in \d|^now/u)
      .first()
      .waitFor();
    await page.getByRole('article', { name: 'group pair' }).getByText('on backup').waitFor();
    servers.server('a', { refuse: null });
    await card.getByRole('button', { name: 'Reconnect a' }).click();
    await card.locator('.state-word', { hasText: /^healthy$/u }).waitFor({ timeout: 20_000 });
    const log = await page.getByLabel('events, the latest first').innerText();
    expect(log).toMatch(/a .*→ disconnected\.backingOff/u);
    expect(log).toMatch(/pair failed over: a → b/u);
    expect(troubles).toEqual([]);
  });

  it('draws the statechart with the present state lit, and lights another when it changes', async () => {
    const { page, servers } = await open();
    await page.getByRole('button', { name: 'Details of a' }).click();
    const lit = (): Promise<readonly (string | null)[]> =>
      page.locator('.statechart .lit').evaluateAll((states) => states.map((state) => state.getAttribute('data-path')));
    await expect
      .poll(lit)
      .toEqual([
        'connected',
        'connected.health',
        'connected.health.healthy',
        'connected.circuit',
        'connected.circuit.normal',
      ]);
    await page.getByText('It can go on to (outlined): releasing, draining, unhealthy, degraded, open.').waitFor();
    servers.server('a', { refuse: { kind: 'transport', code: 'ECONNREFUSED', message: 'nobody is there' } });
    servers.server('a').kill();
    await expect.poll(lit).toEqual(['disconnected', 'disconnected.backingOff']);
    expect(
      await page
        .locator('.statechart .next')
        .evaluateAll((states) => states.map((state) => state.getAttribute('data-path'))),
    ).toEqual(['connecting.attempt', 'closed']);
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  it('calls a tool by a form, with the keyboard alone', async () => {
    const { page, servers } = await open();
    servers.server('a', {
      tools: [
        {
          name: 'say',
          inputSchema: { properties: { text: { type: 'string' }, times: { type: 'number' } }, required: ['text'] },
        },
      ],
      onCall: (_name, args) => ({ content: [{ type: 'text', text: `${markup} ${JSON.stringify(args)}` }] }),
    });
    servers.server('a').notify('notifications/tools/list_changed');
    await expect.poll(async () => (await page.request.get(`${page.url()}api/sessions/a`)).text()).toContain('"say"');
    await page.getByRole('button', { name: 'Details of a' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('summary', { hasText: 'say' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('text').focus();
    await page.keyboard.type('hello');
    await page.keyboard.press('Tab');
    await page.keyboard.type('2');
    await page.keyboard.press('Enter');
    await page.getByText(`${markup} {"text":"hello","times":2}`).waitFor();
    expect(await page.locator('img').count()).toBe(0);
  });

  it('shows names that are markup as the text that they are', async () => {
    const { page, manager, troubles } = await open();
    await manager.addServer(markup, simulated);
    await page.getByRole('heading', { name: markup }).waitFor();
    expect([await page.locator('img').count(), (await page.title()).includes('holdfast'), troubles]).toEqual([
      0,
      true,
      [],
    ]);
  });

  it('does not pass off what was last known as the present when the service has gone', async () => {
    const { page, service } = await open();
    service.stopping();
    await page.getByText('stopping: nothing is held any more').waitFor();
    await service.close();
    expect(await page.locator('main.stale').count()).toBe(1);
  });

  it('asks for the token without one, and refuses a wrong one', async () => {
    const { base, service } = await open();
    const page = await (await browser.newContext()).newPage();
    onTestFinished(() => page.context().close());
    await page.goto(base);
    await page.getByLabel('Token, as the command has printed it').fill('wrong');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('alert').filter({ hasText: 'The token is wrong.' }).waitFor();
    expect(await page.getByRole('article').count()).toBe(0);
    await page.getByLabel('Token, as the command has printed it').fill(service.token);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('article', { name: 'server a' }).waitFor();
  });

  it.each([360, 768, 1920])('fits a window that is %d wide', async (width) => {
    const { page } = await open({ width, height: 800 });
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });

  it('has a name for whatever can be pressed or filled in, headings in order and landmarks', async () => {
    const { page } = await open();
    const nameless = await page.evaluate(
      `[...document.querySelectorAll('button, input, select, textarea')].filter(
        (each) => each.offsetParent && !each.ariaLabel && !each.labels?.length && !each.textContent.trim()).length`,
    );
    expect(nameless).toBe(0);
    expect(await page.getByRole('main').count()).toBe(1);
    expect(await page.getByRole('banner').count()).toBe(1);
    expect(await page.getByRole('heading', { level: 1 }).count()).toBe(1);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the servers');
  });
});
