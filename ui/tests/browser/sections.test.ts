import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { faults, row, useBrowser } from './browser';

const { open } = useBrowser();

const current = (page: Page, name: string) => page.locator(`[data-testid="settings-${name}"][aria-current]`);
const inView = (page: Page, name: string) =>
  page.waitForFunction((wanted) => {
    const box = document.querySelector(`[data-section="${wanted}"]`)?.getBoundingClientRect();
    return box !== undefined && box.top >= 0 && box.top < innerHeight / 2;
  }, name);

test('the sections of the settings lead to each and say which one is read', async () => {
  const page = await open();
  await page.getByTestId('nav-settings').click();
  await current(page, 'look').waitFor();
  await page.getByTestId('settings-data').click();
  await inView(page, 'data');
  await current(page, 'data').waitFor();
  await page.locator('[data-section="data"]:focus').waitFor();
  await page.getByTestId('settings-about').click();
  await current(page, 'about').waitFor();
  await page.mouse.move(900, 500);
  await page.mouse.wheel(0, -20_000);
  await current(page, 'look').waitFor();
  expect(await page.locator('[data-testid="settings-sections"] [aria-current]').count()).toBe(1);
  expect(faults.get(page)).toEqual([]);
});

test('who is sent to the settings arrives where it is done', async () => {
  const page = await open({ query: 'nobody' });
  await row(page, 0).waitFor();
  await page.getByTestId('nav-mine').click();
  await page.getByTestId('say-who').click();
  await inView(page, 'people');
  await current(page, 'people').waitFor();
  await page.getByTestId('nav-diagnostics').click();
  await page.getByTestId('repair-backup').click();
  await inView(page, 'data');
  await current(page, 'data').waitFor();
});
