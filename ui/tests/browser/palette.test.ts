import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { faults, row, useBrowser } from './browser';

const { open } = useBrowser();

async function ask(page: Page, text: string): Promise<void> {
  // While one is still closing, keys are its.
  await page.getByTestId('palette').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+KeyK');
  await page.locator('[data-testid="palette-find"]:focus').waitFor();
  await page.keyboard.type(text);
}

const first = (page: Page) => page.locator('[data-testid="palette-find-option"][aria-selected="true"]');

test('a view, a section of the settings and an account are gone to by their names', async () => {
  const page = await open({ query: 'telegram' });
  await row(page, 0).waitFor();
  await page.getByTestId('conversation-list').focus();
  await ask(page, 'чекають');
  await first(page).getByText('Чекають на нас').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('[data-testid="nav-waiting"][aria-current]').waitFor();
  await page.locator('[data-landmark="list"]:focus-within').waitFor();

  await ask(page, 'резервн');
  await first(page).waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('palette').waitFor({ state: 'detached' });
  await page.locator('[data-landmark="list"]:focus-within').waitFor();

  await ask(page, 'налашт шабл');
  await first(page).getByText('Шаблони').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('[data-section="templates"]:focus').waitFor();

  await page.getByTestId('open-palette').click();
  await page.getByTestId('palette-find').fill('warszawa');
  await page.getByTestId('palette-find-option').first().click();
  await page.getByRole('heading', { name: 'Warszawa' }).first().waitFor();
  expect(faults.get(page)).toEqual([]);
});

test('a conversation is gone to from another screen, and what is not named is searched for', async () => {
  const page = await open({ query: 'telegram' });
  await row(page, 0).waitFor();
  await page.getByTestId('nav-logs').click();
  await ask(page, 'Зоряна Квітень');
  await page.getByTestId('palette-find-option').filter({ hasText: 'Зоряна Квітень' }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.talk').getByRole('heading', { name: 'Зоряна Квітень' }).waitFor();

  await page.getByTestId('compose-text').click();
  await page.keyboard.type('додаток');
  await page.keyboard.press('Control+KeyA');
  await page.keyboard.press('Control+KeyK');
  expect(await page.getByTestId('palette').count(), 'in a text field the key makes a link').toBe(0);

  await page.keyboard.press('Escape');
  await page.getByTestId('open-palette').click();
  await page.getByTestId('palette-find').fill('диплом');
  await page.getByTestId('palette-find-option').filter({ hasText: 'Шукати «диплом»' }).click();
  await page.locator('[data-testid="search-input"]:focus').waitFor();
  await page.locator('[data-testid="search-results"] mark').first().waitFor();
});
