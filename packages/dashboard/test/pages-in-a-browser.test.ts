import { type Logger, Lovage, secret } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type ServeOptions, serveDashboard } from '../src/index.ts';
import { missingChromium, seriousFindings, useBrowser } from './browser.ts';

const browser = useBrowser();
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(app: Lovage, options: ServeOptions = {}): Promise<string> {
  closers.push(() => app.close());
  const server = await serveDashboard(app, { port: 0, ...options });
  closers.push(() => server.close());
  return server.url;
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const newApp = (name = 'shop') => new Lovage(name, { broker: 'memory://', history: 'all', logger: silent });

const hostile = '<img src=x onerror="document.title=`owned`"><script>document.title="owned"</script>';

/** A shop whose charges of negative amounts fail, and whose names are not to be trusted. */
async function openShop() {
  const app = newApp();
  const order = z.object({ amount: z.number(), card: secret(z.string()), currency: z.enum(['EUR', 'USD']) });
  const charge = app.task({ name: 'charge', args: z.tuple([order]) }, ({ amount, card }) => {
    if (amount < 0) throw new RangeError(`amount ${amount} is negative`);
    return { paid: amount, digits: card.length };
  });
  const bad = app.task(`bad ${hostile}`, (text: string) => {
    if (text === 'throw') throw new Error(hostile);
    return { [hostile]: text };
  });
  await startWorker(app);
  for (const amount of [-1, -2, -3, -4]) await charge.delay({ amount, card: '4111 1111', currency: 'EUR' });
  const ok = await charge.delay({ amount: 5, card: '4111', currency: 'USD' });
  const said = await bad.delay(hostile);
  const failed = await bad.delay('throw');
  await Promise.all([ok.get(), said.get()]);
  await failed.get().catch(() => undefined);
  return { app, url: await serve(app), said, failed };
}

const screens = [
  ...['now', 'runs', 'failures', 'queues', 'queues/default', 'workers', 'tasks', 'tasks/charge'],
  ...['schedules', 'workflows', 'waiting', 'broker', 'audit'],
];

async function show(page: Page, place: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`);
  await page.locator(`main[data-place="${place}"]:has(h1):not(:has(.loading))`).waitFor();
}

describe.skipIf(missingChromium !== undefined)(`pages${missingChromium ? `: ${missingChromium}` : ''}`, () => {
  it('lead from Now to a failure in two clicks, which succeeds with edited arguments', {
    timeout: 40_000,
  }, async () => {
    const { url } = await openShop();
    const page = await browser.open(url);
    await page.getByRole('heading', { name: /Task charge fails: 4 of 5/ }).waitFor();
    await page.getByRole('link', { name: 'See the failures' }).first().click();
    await page.getByRole('link', { name: 'See the latest' }).first().click();
    await page.getByRole('heading', { name: /RangeError: amount -\d is negative/ }).waitFor();
    expect(await page.locator('main').innerText()).not.toContain('4111');
    await page.getByRole('button', { name: 'Edit and retry' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('amount').fill('7');
    await dialog.getByRole('button', { name: 'Retry with these' }).click();
    await page.locator('.facts').getByText('SUCCESS').waitFor();
    const result = await page.locator('main').innerText();
    expect(result).toContain('"paid": 7');
    expect(result).toContain('"digits": 9'); // the card that was not touched went along
    await show(page, 'audit');
    await page.getByRole('cell', { name: 'retry', exact: true }).waitFor();
    await page.close();
  });

  it('show names, arguments, results and errors of others as text', { timeout: 40_000 }, async () => {
    const { url, said, failed } = await openShop();
    const page = await browser.open(url);
    for (const place of ['now', 'runs', 'failures', 'tasks', `run/${said.id}`, `run/${failed.id}`]) {
      await show(page, place);
      await page.getByText('onerror=').first().waitFor();
      expect(await page.title(), place).not.toContain('owned"');
      expect(await page.locator('main img, main script').count(), place).toBe(0);
    }
    await page.close();
  });

  it('have nothing that axe finds serious, light and dark, and fit a phone', { timeout: 90_000 }, async () => {
    const { url } = await openShop();
    const light = await browser.open(url);
    const dark = await browser.open(url, { colorScheme: 'dark', width: 390, height: 800 });
    for (const place of screens) {
      for (const page of [light, dark]) {
        await show(page, place);
        expect(await seriousFindings(page), place).toEqual([]);
      }
      const wide = await dark.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(wide, `${place} is wider than a phone`).toBeLessThanOrEqual(0);
    }
    await light.close();
    await dark.close();
  });

  it('are used by keyboard alone: the palette, a failure, its retry', { timeout: 40_000 }, async () => {
    const { url } = await openShop();
    const page = await browser.open(url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').waitFor();
    await page.keyboard.type('failures');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Failures' }).waitFor();
    const latest = page.getByRole('link', { name: 'See the latest' }).first();
    await latest.waitFor();
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press('Tab');
      if ((await page.evaluate('document.activeElement?.textContent')) === 'See the latest') break;
    }
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Edit and retry' }).waitFor();
    for (let presses = 0; presses < 10; presses += 1) {
      await page.keyboard.press('Tab');
      if ((await page.evaluate('document.activeElement?.textContent')) === 'Edit and retry') break;
    }
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('Edit and retry');
    await page.close();
  });

  it('ask for a token, which lets a viewer look and not act', { timeout: 40_000 }, async () => {
    const app = newApp();
    const token = 'a-token-of-many-characters';
    const url = await serve(app, { access: [{ kind: 'token', token, role: 'viewer' }] });
    await startWorker(app);
    const page = await browser.open(url);
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: /All is well/ }).waitFor();
    await show(page, 'workers');
    expect(await page.getByRole('button', { name: 'Drain' }).isDisabled()).toBe(true);
    await page.close();
  });
});
