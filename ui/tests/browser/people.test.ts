import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { type Opening, drawn, faults, pictures, row, useBrowser } from './browser';

const { open } = useBrowser();

const rowOf = (page: Page, id: string) => page.locator(`[data-testid="conversation-row"][data-id="${id}"]`);
const calls = (page: Page, name: string) => page.evaluate((command) => window.bureau.calls[command] ?? 0, name);
const handles = (page: Page) => page.getByTestId('person-handle').locator('.address').allTextContents();

/** Олена writes in Telegram (t0) and, as another contact, by mail. */
async function olena(opening: Opening = {}): Promise<Page> {
  const page = await open({ query: 'telegram&conversations=12', ...opening });
  await rowOf(page, 't0').click();
  await page.getByTestId('person-handle').first().waitFor();
  return page;
}

describe('the person column', () => {
  test('says who it is, how to write and what was exchanged', async () => {
    const page = await olena();
    expect(await page.getByTestId('person-since').textContent()).toBe('З нами з березня\u00a02024');
    expect(await handles(page)).toEqual(['+380\u00a000\u00a0000\u00a000\u00a042', '@verbytska_example']);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByTestId('person-copy').last().click();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('@verbytska_example');
    const names = await page.getByTestId('person-file').evaluateAll((nodes) => nodes.map((node) => node.getAttribute('title')?.split(', надіслали нам, ')[0]));
    expect(names, 'a voice is no file').toEqual(['Договір оренди 14-К (чистовий).docx', 'photo-1.jpg', 'photo-2.jpg', 'photo-3.jpg']);
    const before = await calls(page, 'person');
    await page.getByTestId('person-file').first().click();
    await page.waitForFunction(() => window.bureau.calls['openFile'] === 1);
    expect(await calls(page, 'fetchFile'), 'it was only in Telegram').toBe(1);
    await page.waitForFunction((count) => (window.bureau.calls['person'] ?? 0) > count, before);
    await drawn(page);
    await page.getByTestId('person-file-save').first().click();
    await page.getByTestId('toast').getByText('Завантаження').waitFor();
    expect(await calls(page, 'fetchFile')).toBe(1);
    expect(faults.get(page)).toEqual([]);
  });

  test('suggests who is likely the same; linking is undone, done again and parted by hand', async () => {
    const page = await olena();
    await page.getByTestId('person-likely').getByText('olena@example.org').waitFor();
    await page.getByTestId('person-same').click();
    await page.getByTestId('person-likely').waitFor({ state: 'detached' });
    expect(await handles(page)).toHaveLength(3);
    await page.getByTestId('person-conversation').first().waitFor();
    await page.getByTestId('person-link').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('KeyZ');
    await page.getByTestId('person-likely').waitFor();
    expect(await handles(page)).toHaveLength(2);
    expect(await page.getByTestId('person-conversation').count()).toBe(0);
    await page.getByTestId('person-same').click();
    await page.getByTestId('person-handle').getByText('вручну').waitFor();
    await page.getByTestId('person-unlink').click();
    await page.getByTestId('person-likely').waitFor();
    await page.getByTestId('person-undo').click();
    await page.getByTestId('person-unlink').waitFor();
    expect(await handles(page)).toContain('olena@example.org');
    expect(faults.get(page)).toEqual([]);
  });

  test('does not suggest again whom somebody turned down', async () => {
    const page = await olena();
    await page.getByTestId('person-not-same').click();
    await page.getByTestId('person-likely').waitFor({ state: 'detached' });
    await page.reload();
    await rowOf(page, 't0').click();
    await page.getByTestId('person-handle').first().waitFor();
    await drawn(page);
    expect(await page.getByTestId('person-likely').count()).toBe(0);
  });

  test('links with another person by keyboard alone, told apart by the handles', async () => {
    const page = await olena();
    await page.getByTestId('person-link').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('find-person').and(page.locator(':focus')).waitFor();
    await page.keyboard.type('pidkova@');
    const hit = page.getByTestId('find-person-option').filter({ hasText: 'taras.pidkova@example.net' });
    await hit.waitFor();
    expect(await page.getByTestId('link-person-do').isDisabled(), 'nobody is chosen by himself').toBe(true);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByTestId('toast').getByText('Тарас Підкова').waitFor();
    expect(await handles(page)).toContain('taras.pidkova@example.net');
    await page.getByTestId('person-undo').click();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="person-handle"]').length === 2);
  });

  test('finds by a phone however it is typed, and says when there is nobody or the search fails', async () => {
    const page = await open({ query: 'telegram&conversations=12' });
    await row(page, 3).click();
    await page.getByTestId('person-link').click();
    await page.getByTestId('find-person').fill('+380 (00) 000-00');
    await page.getByTestId('find-person-option').getByText('@verbytska_example').waitFor();
    await page.getByTestId('find-person').fill('нема таких');
    await page.getByText('Нікого не знайдено').waitFor();
    await page.evaluate(() => window.bureau.fail('findPeople', true));
    await page.getByTestId('find-person').fill('Олена');
    await page.getByText('Пошук не вдався').waitFor();
    await page.evaluate(() => window.bureau.fail('findPeople', false));
    await page.getByTestId('link-person').getByRole('button', { name: 'Спробувати ще раз' }).click();
    await page.getByTestId('find-person-option').first().click();
    await page.getByTestId('link-person-do').click();
    await page.getByTestId('person-unlink').first().waitFor();
  });

  test('leads to the other conversations, and the keys go along', async () => {
    const page = await olena();
    await page.getByTestId('person-same').click();
    const other = page.getByTestId('person-conversation').first();
    const id = await other.getAttribute('data-id');
    await other.focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction((wanted) => document.querySelector('[data-testid="person-conversation"]')?.getAttribute('data-id') !== wanted, id);
    await page.getByTestId('thread').and(page.locator(':focus')).waitFor();
    expect(await rowOf(page, id ?? '').getAttribute('aria-selected')).toBe('true');
    await page.locator('[data-testid="person-conversation"][data-id="t0"]').waitFor();
    expect((await handles(page))[0], 'its own handle comes first').toBe('olena@example.org');
  });

  test('of a group has only files, and nobody to link', async () => {
    const page = await open({ query: 'telegram&conversations=12' });
    await page.getByTestId('filter-telegram').click();
    await rowOf(page, 't4').click();
    await page.getByTestId('person-file').waitFor();
    expect(await page.getByTestId('person-handle').count()).toBe(0);
    expect(await page.getByTestId('person-link').count()).toBe(0);
  });

  test('is read again when its conversation changes, and says when it cannot be', async () => {
    const page = await olena();
    const before = await calls(page, 'person');
    await page.evaluate(() => window.bureau.write('t0', 'Ще одне'));
    await page.waitForFunction((count) => (window.bureau.calls['person'] ?? 0) === count + 1, before);
    await page.evaluate(() => window.bureau.fail('person', true));
    await rowOf(page, 't0').locator('xpath=../following-sibling::*[1]//*[@role="option"]').click();
    await page.getByTestId('person-failed').waitFor();
    await page.evaluate(() => window.bureau.fail('person', false));
    await page.getByTestId('person-failed').getByRole('button').click();
    await page.getByTestId('person-handle').first().waitFor();
  });

  test('changes as a whole: no name stands over the handles of another', async () => {
    const page = await olena();
    const seen = await page.evaluate(async () => {
      const pairs = new Set<string>();
      const look = () => {
        const name = document.querySelector('[data-testid="person-name"]')?.textContent ?? '';
        pairs.add(`${name}: ${[...document.querySelectorAll('[data-testid="person-handle"] .address')].map((node) => node.textContent).join()}`);
      };
      const watcher = new MutationObserver(look);
      watcher.observe(document.querySelector('.person') as Element, { subtree: true, childList: true, characterData: true });
      document.querySelectorAll<HTMLElement>('[data-testid="conversation-row"]')[1]?.click();
      await new Promise((resolve) => setTimeout(resolve, 500));
      watcher.disconnect();
      return [...pairs];
    });
    expect(seen.at(-1)).not.toContain('Олена');
    for (const pair of seen) expect(pair.startsWith('Олена'), pair).toBe(pair.includes('verbytska_example'));
    expect(seen.every((pair) => /: ./.test(pair)), 'never empty').toBe(true);
  });

  test('that is long in coming gives way to a skeleton under the new name', async () => {
    const page = await olena();
    await page.evaluate(() => window.bureau.slow('person', 1200));
    await row(page, 1).click();
    await page.locator('.person .skeletons').waitFor();
    expect(await page.getByTestId('person-name').textContent()).toBe('ТОВ «Приклад-Буд»');
    expect(await page.getByTestId('person-handle').count()).toBe(0);
    await page.getByTestId('person-handle').getByText('lozovyi@example.org').waitFor();
    expect(await page.locator('.person .skeletons').count()).toBe(0);
  });

  test('opened again on another conversation does not show whom it showed before', async () => {
    const page = await open({ query: 'telegram&conversations=12', width: 1024, height: 700 });
    await rowOf(page, 't0').click();
    await page.getByTestId('message').first().waitFor();
    await page.keyboard.press('KeyI');
    await page.getByTestId('person-handle').first().waitFor();
    await page.keyboard.press('KeyI');
    await page.evaluate(() => window.bureau.slow('person', 1200));
    await row(page, 1).click();
    await page.getByText('Тендерна документація, лот 4').first().waitFor();
    await page.keyboard.press('KeyI');
    await page.getByTestId('person-name').getByText('ТОВ «Приклад-Буд»').waitFor({ timeout: 1000 });
    expect(await page.getByTestId('person-handle').count()).toBe(0);
    await page.getByTestId('person-handle').getByText('lozovyi@example.org').waitFor();
  });

  test('removes what is kept of somebody once their name is typed, by keyboard alone', async () => {
    const page = await olena();
    await page.getByTestId('person-same').click();
    await page.getByTestId('person-unlink').waitFor();
    await page.getByTestId('person-forget').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('forget-stays').waitFor();
    expect(await page.locator('[data-testid="forget-count"][data-kind="conversations"] .num').textContent()).toMatch(/^[2-9]$/);
    expect(await page.getByTestId('forget-dialog').textContent()).toContain('olena@example.org');
    expect(await page.getByTestId('forget-do').isDisabled()).toBe(true);
    await page.getByTestId('forget-word').focus();
    await page.keyboard.type('Олена');
    expect(await page.getByTestId('forget-do').isDisabled(), 'half a name is none').toBe(true);
    await page.keyboard.type(' вербицька');
    await page.locator('[data-testid="forget-do"]:enabled').focus();
    await page.evaluate(() => window.bureau.fail('forgetPerson', true));
    await page.keyboard.press('Enter');
    await page.getByTestId('forget-dialog').getByRole('alert').getByTestId('what-is-this').waitFor();
    expect(await rowOf(page, 't0').count(), 'what failed is not shown as done').toBe(1);
    await page.evaluate(() => window.bureau.fail('forgetPerson', false));
    await page.locator('[data-testid="forget-do"]:enabled').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('forget-progress').waitFor();
    await page.getByTestId('toast').getByText('Дані людини вилучено').waitFor();
    await rowOf(page, 't0').waitFor({ state: 'detached' });
    await page.getByTestId('forget-dialog').waitFor({ state: 'detached' });
    await page.getByTestId('message').first().waitFor({ state: 'detached' });
    expect(await page.getByText('olena@example.org').count()).toBe(0);
    expect(faults.get(page)).toEqual([]);
  });

  test('of somebody known from groups alone is reached from what they wrote, whose place stays and says nothing', async () => {
    const page = await open({ query: 'telegram&conversations=12' });
    await rowOf(page, 't1').click();
    const asks = page.getByTestId('message').filter({ hasText: 'Хто сьогодні бере іспанську?' }).first();
    await asks.hover();
    await asks.getByRole('button', { name: 'Дії з повідомленням' }).click();
    await page.getByTestId('message-forget').click();
    await page.locator('[data-testid="forget-count"][data-kind="blanked"]').waitFor();
    await page.getByTestId('forget-word').fill('Остап Криничний');
    await page.keyboard.press('Tab');
    await page.getByTestId('forget-do').click();
    await page.getByTestId('toast').getByText('Дані людини вилучено').waitFor();
    await page.getByTestId('forget-dialog').waitFor({ state: 'detached' });
    await page.getByTestId('message-removed').nth(1).waitFor();
    expect(await page.getByTestId('message-removed').count()).toBe(2);
    expect(await page.locator('.thread .author').allTextContents(), 'nobody else is named in their place').not.toContain('Остап Криничний');
    // What says nothing has nobody's data to be removed, and what we wrote is ours.
    await page.getByTestId('message').filter({ hasText: 'Вилучено на вимогу' }).first().click();
    await page.getByTestId('message').filter({ hasText: 'Вилучено на вимогу' }).first().getByRole('button', { name: 'Дії з повідомленням' }).click();
    await page.getByTestId('message-choose').waitFor();
    expect(await page.getByTestId('message-forget').count()).toBe(0);
    expect(faults.get(page)).toEqual([]);
  });

  test('asks before it removes anything in a narrow window too, and says when what is kept cannot be counted', async () => {
    const page = await open({ query: 'telegram&conversations=12&language=pl', width: 1024, height: 600 });
    await rowOf(page, 't0').click();
    await page.getByTestId('message').first().waitFor();
    await page.keyboard.press('KeyI');
    await page.getByTestId('person-forget').click();
    await page.getByTestId('forget-stays').waitFor();
    await page.screenshot({ path: `${pictures}person-forget-narrow.png` });
    await page.getByTestId('forget-do').scrollIntoViewIfNeeded();
    const box = await page.getByTestId('forget-do').boundingBox();
    expect((box?.y ?? 1e9) + (box?.height ?? 0)).toBeLessThanOrEqual(600);
    await page.keyboard.press('Escape');
    await page.getByTestId('forget-dialog').waitFor({ state: 'detached' });
    await page.evaluate(() => window.bureau.fail('forgetPreview', true));
    await page.getByTestId('person-forget').click();
    await page.getByTestId('forget-dialog').getByRole('alert').waitFor();
    expect(await page.getByTestId('forget-do').isDisabled()).toBe(true);
  });

  test('lies over the conversation in a narrow window, opened and left by key', async () => {
    const page = await open({ query: 'telegram&conversations=12', width: 1024, height: 700 });
    await rowOf(page, 't0').click();
    await page.getByTestId('message').first().waitFor();
    await page.keyboard.press('KeyI');
    await page.getByTestId('person-likely').waitFor();
    await page.screenshot({ path: `${pictures}person-1024.png` });
    await page.keyboard.press('Escape');
    await page.getByTestId('person-handle').first().waitFor({ state: 'detached' });
  });
});
