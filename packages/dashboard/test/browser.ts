import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { findChromium } from '../../../scripts/ensure-chromium.mjs';

const program = findChromium();

/** Why tests that need a browser cannot run; undefined when they can. With LOVAGE_REQUIRE_PARTS they must. */
export const missingChromium: string | undefined =
  program === undefined && process.env['LOVAGE_REQUIRE_PARTS'] !== '1'
    ? 'Chromium is missing: node scripts/ensure-chromium.mjs'
    : undefined;

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** How a page is opened. */
export interface View {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
}

/** One browser for a test file. */
export function useBrowser(): { open(url: string, view?: View): Promise<Page> } {
  let browser: Browser;
  beforeAll(async () => {
    if (missingChromium === undefined)
      browser = await chromium.launch({ executablePath: program ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  });
  afterAll(() => browser?.close());
  return {
    open: async (url, { width = 1280, height = 900, colorScheme = 'light' } = {}) => {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' });
      page.setDefaultTimeout(15_000);
      await page.goto(url);
      return page;
    },
  };
}

/** What axe finds that is serious or worse, with the element. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe); // the page's policy would refuse a script tag
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200)}`);
  });
}
