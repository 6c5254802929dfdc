import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { faults, row, useBrowser } from './browser';

const { open } = useBrowser();

const has = (page: Page, selector: string) => page.locator(`${selector}:focus`).waitFor();

test('what was not sent goes with its button, and the keys stay in the thread', async () => {
  const page = await open({ query: 'telegram' });
  await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
  await page.getByTestId('compose-text').fill('відмова');
  await page.keyboard.press('Control+Enter');
  await page.locator('[data-testid="outgoing"][data-state="failed"]').waitFor();
  await page.getByTestId('outgoing-discard').focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('outgoing').waitFor({ state: 'detached' });
  await has(page, '[data-testid="thread"]');

  await page.getByTestId('talk-done').focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('triage-undo').focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('toast').waitFor({ state: 'detached' });
  await has(page, '[data-testid="talk-done"]');
  expect(faults.get(page)).toEqual([]);
});

test('a file that is taken out gives the keys to the text, an account that is removed to where they were before', async () => {
  const page = await open();
  await row(page, 0).click();
  await page.getByTestId('message-frame').first().waitFor();
  await page.getByTestId('mail-reply').click();
  await page.getByTestId('mail-attach').setInputFiles([{ name: 'Рахунок.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(2000) }]);
  // Until it is taken over whole, another button stands there.
  await page.getByTestId('mail-file').getByRole('button', { name: 'Прибрати Рахунок.pdf' }).focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('mail-file').waitFor({ state: 'detached' });
  await has(page, '[data-testid="mail-text"]');

  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('account-more').first().click();
  await page.getByTestId('account-remove').focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('confirm-remove').click();
  await page.getByTestId('confirm-remove').waitFor({ state: 'detached' });
  await has(page, '[data-testid="nav-accounts"]');
});
