import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { type Browser, type Page, chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';

import type { Controls } from '../../src/ipc/fake/backend';

declare global {
  interface Window {
    bureau: Controls;
  }
}

export const pictures = fileURLToPath(new URL('../.artefacts/screens/', import.meta.url));

// The microphone is Chromium's own: it beeps, and nobody is asked whether it may.
const flags = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** A browser for the tests of one file. What a test opened is closed after it, or its timers would slow every test that follows. */
export function useBrowser(): { open: (options?: Opening) => Promise<Page> } {
  let browser: Browser;
  beforeAll(async () => {
    await mkdir(pictures, { recursive: true });
    browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', headless: true, args: flags });
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  afterAll(() => browser.close());
  return { open: (options) => openPage(browser, options ?? {}) };
}

export interface Opening {
  /** What follows `?` in the address: `scenario=empty`, `language=en`. */
  query?: string;
  width?: number;
  height?: number;
  dark?: boolean;
}

/** Console errors, uncaught faults and policy violations of a page, in order. */
export const faults = new WeakMap<Page, string[]>();

async function openPage(browser: Browser, { query = '', width = 1440, height = 900, dark = false }: Opening): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height },
    locale: 'uk-UA',
    timezoneId: 'Europe/Kyiv',
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const heard: string[] = [];
  faults.set(page, heard);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.text().startsWith('error ')) heard.push(message.text());
  });
  page.on('pageerror', (error) => heard.push(String(error)));
  await page.goto(`${inject('site')}?${query}`);
  return page;
}

/** Waits until what changed has been drawn. */
export const drawn = (page: Page): Promise<void> =>
  page.evaluate(() => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))));

export const row = (page: Page, index: number) => page.getByTestId('conversation-row').nth(index);
