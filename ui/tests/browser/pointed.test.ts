import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { drawn, faults, row, useBrowser } from './browser';

const { open } = useBrowser();

const menu = (page: Page) => page.getByTestId('point-menu');
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? '');

/** Whether the webview would open its own menu there. */
const ownMenu = (page: Page, selector: string) =>
  page.evaluate((at) => document.querySelector(at)?.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true, clientX: 5, clientY: 5 })), selector);

test('a conversation has a menu under the other button and under its key, and the keys go back to the list', async () => {
  const page = await open({ query: 'telegram' });
  await row(page, 2).waitFor();
  const id = await row(page, 2).getAttribute('data-id');
  await row(page, 2).click({ button: 'right', position: { x: 120, y: 30 } });
  await menu(page).waitFor();
  expect(await page.getByTestId('talk-done').count(), 'pointing opens nothing').toBe(0);
  const [box, pressed] = [await menu(page).boundingBox(), await row(page, 2).boundingBox()];
  expect(Math.abs((box?.x ?? 0) - (pressed?.x ?? 0) - 120)).toBeLessThan(8);
  await page.getByTestId('row-done').click();
  await page.getByTestId('triage-undo').waitFor();
  await menu(page).waitFor({ state: 'detached' });
  await page.getByTestId('nav-done').click();
  await page.locator(`[data-testid="conversation-row"][data-id="${id}"]`).waitFor();

  await page.getByTestId('nav-inbox').click();
  await page.getByTestId('conversation-list').focus();
  await page.keyboard.press('ArrowDown');
  await page.getByTestId('talk-done').waitFor();
  await page.keyboard.press('Shift+F10');
  await menu(page).waitFor();
  await page.locator('[role="menuitem"]:focus').waitFor();
  await page.keyboard.press('Escape');
  await menu(page).waitFor({ state: 'detached' });
  await page.locator('[data-testid="conversation-list"]:focus').waitFor();
  expect(await focused(page)).toBe('conversation-list');
  expect(faults.get(page)).toEqual([]);
});

test('one of several chosen conversations stands for all of them', async () => {
  const page = await open({ query: 'telegram' });
  await row(page, 1).click();
  for (const index of [3, 4]) await row(page, index).click({ modifiers: ['Control'] });
  await page.getByTestId('bulk-bar').waitFor();
  await row(page, 3).click({ button: 'right' });
  await menu(page).waitFor();
  expect(await page.getByTestId('row-mute').count()).toBe(0);
  await page.getByTestId('row-pending').click();
  await page.getByTestId('triage-undo').waitFor();
  expect(await page.getByTestId('toast').innerText()).toContain('3 розмови');
});

test('a message has its own menu where it is pressed; a field and a marked text keep the system’s', async () => {
  const page = await open({ query: 'telegram' });
  await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
  const message = page.getByTestId('message').nth(2);
  await message.waitFor();
  await message.locator('.bubble').click({ button: 'right', position: { x: 20, y: 10 } });
  await menu(page).getByTestId('message-reply').click();
  await page.getByTestId('reply-chip').waitFor();
  await page.locator('[data-testid="compose-text"]:focus').waitFor();

  expect(await ownMenu(page, '[data-testid="compose-text"]')).toBe(true);
  expect(await ownMenu(page, '.side')).toBe(false);
  await message.locator('.body').evaluate((node) => getSelection()?.selectAllChildren(node));
  expect(await ownMenu(page, '.side')).toBe(false);
  expect(await message.locator('.body').evaluate((node) => node.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true })))).toBe(true);
  await drawn(page);
  expect(await menu(page).count()).toBe(0);
});
