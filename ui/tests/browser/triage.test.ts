import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { type Opening, drawn, faults, row, useBrowser } from './browser';

const { open } = useBrowser();

async function inbox(opening: Opening = {}): Promise<Page> {
  const page = await open(opening);
  await row(page, 0).waitFor();
  return page;
}

const list = (page: Page) => page.getByTestId('conversation-list');
const rowOf = (page: Page, id: string) => page.locator(`[data-testid="conversation-row"][data-id="${id}"]`);
const idAt = async (page: Page, index: number) => (await row(page, index).getAttribute('data-id')) ?? '';
const ids = (page: Page) => page.getByTestId('conversation-row').evaluateAll((nodes) => nodes.map((node) => (node as HTMLElement).dataset['id'] ?? ''));
const times = (page: Page) => page.getByTestId('conversation-row').evaluateAll((nodes) => nodes.map((node) => node.querySelector('time')?.dateTime ?? ''));
const selected = (page: Page) => page.locator('[role="option"][aria-selected="true"]');
const toast = (page: Page) => page.getByTestId('toast');

async function view(page: Page, name: 'mine' | 'unassigned' | 'waiting' | 'done' | 'inbox'): Promise<void> {
  await page.getByTestId(`nav-${name}`).click();
  await page.mouse.move(900, 400);
  await row(page, 0).waitFor();
  await drawn(page);
}

const count = async (page: Page, name: string) => Number((await page.locator(`[data-testid="nav-${name}"] .count`).textContent())?.replace(/\D/gu, ''));
const counted = (page: Page, name: string, n: number) =>
  page.waitForFunction(([testid, wanted]) => Number(document.querySelector(`[data-testid="nav-${testid}"] .count`)?.textContent?.replace(/\D/gu, '') ?? 0) === wanted, [name, n] as const);

/** The keys are in the list, on its first row, which is open. */
async function onFirst(page: Page): Promise<string> {
  await list(page).focus();
  await page.keyboard.press('Home');
  const id = await idAt(page, 0);
  await page.locator(`[role="option"][aria-current="true"][data-id="${id}"]`).waitFor();
  return id;
}

describe('the views', () => {
  test('count what they list, and those who wait are listed from the longest wait on', async () => {
    const page = await inbox();
    await page.locator('[data-testid="nav-waiting"] .count').waitFor();
    for (const name of ['mine', 'unassigned', 'waiting', 'done'] as const) {
      await view(page, name);
      const shown = await count(page, name);
      expect(shown).toBeGreaterThan(10);
      expect(await row(page, 0).getAttribute('aria-setsize')).toBe(String(shown));
      const order = await times(page);
      expect(order).toEqual([...order].sort((a, b) => (name === 'waiting' ? a.localeCompare(b) : b.localeCompare(a))));
    }
    expect((await count(page, 'mine')) + (await count(page, 'done'))).toBeLessThan(await count(page, 'inbox'));
  });

  test('the segment narrows any of them', async () => {
    const page = await inbox({ query: 'telegram' });
    await view(page, 'waiting');
    const all = await count(page, 'waiting');
    await page.getByTestId('filter-telegram').click();
    await page.waitForFunction(() => [...document.querySelectorAll<HTMLElement>('[data-testid="conversation-row"]')].every((node) => node.dataset['id']?.startsWith('t')));
    expect((await ids(page)).length).toBeLessThan(all);
    await page.getByTestId('filter-unread').click();
    await page.waitForFunction(() => [...document.querySelectorAll('[data-testid="conversation-row"]')].every((node) => node.classList.contains('new')));
    const order = await times(page);
    expect(order).toEqual([...order].sort());
  });

  test('of those who wait takes in at its end who writes again, and lets go who was answered elsewhere', async () => {
    const page = await inbox({ query: 'conversations=60' });
    await view(page, 'waiting');
    const before = await ids(page);
    const [first = '', second = ''] = before;
    const total = await count(page, 'waiting');
    await page.evaluate((id) => window.bureau.triageElsewhere(id, { triage: 'pending' }), first);
    await rowOf(page, first).waitFor({ state: 'detached' });
    await counted(page, 'waiting', total - 1);
    expect(await idAt(page, 0)).toBe(second);
    await page.evaluate((id) => {
      window.bureau.meanwhile(id);
      window.bureau.triageElsewhere(id, {});
    }, first);
    await counted(page, 'waiting', total);
    await list(page).evaluate((node) => node.scrollTo(0, node.scrollHeight));
    await rowOf(page, first).waitFor();
    expect(await rowOf(page, first).getAttribute('aria-posinset')).toBe(String(total));
  });

  test('nothing moves under the pointer while others put conversations aside', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    await page.mouse.move(400, 400);
    const under = () => page.evaluate(() => document.elementFromPoint(400, 400)?.closest<HTMLElement>('[data-testid="conversation-row"]')?.dataset['id']);
    const before = await under();
    for (const id of (await ids(page)).slice(0, 3)) await page.evaluate((key) => window.bureau.triageElsewhere(key, { triage: 'done' }), id);
    await page.locator('[data-testid="conversation-turn"][data-turn="done"]').nth(2).waitFor();
    expect(await under()).toBe(before);
    await page.mouse.move(900, 400);
    await page.locator('[data-testid="conversation-turn"]').first().waitFor({ state: 'detached' });
  });

  test('without a name mine says how to say who one is, and leads there', async () => {
    const page = await inbox({ query: 'nobody' });
    await page.getByTestId('nav-mine').click();
    await page.getByTestId('say-who').click();
    await page.getByTestId('people').waitFor();
  });

  test('are reached by G and a letter', async () => {
    const page = await inbox();
    for (const [letter, name] of [['W', 'waiting'], ['D', 'done'], ['M', 'mine'], ['U', 'unassigned'], ['A', 'inbox']] as const) {
      await page.keyboard.press('KeyG');
      await page.keyboard.press(`Key${letter}`);
      await page.locator(`[data-testid="nav-${name}"][aria-current="page"]`).waitFor();
    }
  });
});

describe('by keyboard', () => {
  test('E puts aside and goes on, W waits for the customer, Z takes back', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const total = await count(page, 'waiting');
    const [first, second, third] = (await ids(page)) as [string, string, string];
    await onFirst(page);
    await page.keyboard.press('KeyE');
    await rowOf(page, first).waitFor({ state: 'detached' });
    expect(await selected(page).getAttribute('data-id')).toBe(second);
    expect(await toast(page).textContent()).toContain('1 розмова готова');
    await page.keyboard.press('KeyW');
    await rowOf(page, second).waitFor({ state: 'detached' });
    expect(await selected(page).getAttribute('data-id')).toBe(third);
    expect(await list(page).evaluate((node) => node === document.activeElement)).toBe(true);
    await counted(page, 'waiting', total - 2);
    await page.keyboard.press('KeyZ');
    await rowOf(page, second).waitFor();
    expect(await idAt(page, 0)).toBe(second);
    await counted(page, 'waiting', total - 1);
  });

  test('a hundred and twenty are put aside with as many presses, and what comes next is read meanwhile', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const total = await count(page, 'waiting');
    await onFirst(page);
    for (let i = 0; i < 120; i++) await page.keyboard.press('KeyE');
    await counted(page, 'waiting', total - 120);
    expect(await selected(page).count()).toBe(1);
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="conversation-row"]').length > 10);
    expect(faults.get(page)).toEqual([]);
  });

  test('presses that come before the next page is read wait for it, and none is lost', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const [total, before] = [await count(page, 'waiting'), await count(page, 'done')];
    await onFirst(page);
    // All of them in one turn of the page's loop: nothing is drawn or read between two.
    await page.evaluate(() => {
      window.bureau.slow('conversations', 300);
      for (let i = 0; i < 120; i++) document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyE', key: 'e', bubbles: true }));
    });
    await counted(page, 'waiting', total - 120);
    await counted(page, 'done', before + 120);
    expect(await page.evaluate(() => window.bureau.calls['setTriage'])).toBe(120);
    await expect.poll(() => selected(page).count()).toBe(1);
    // The keys are on what comes next, and go on from there.
    const next = await selected(page).getAttribute('data-id');
    await page.keyboard.press('KeyE');
    await rowOf(page, next ?? '').waitFor({ state: 'detached' });
    await counted(page, 'waiting', total - 121);
    expect(faults.get(page)).toEqual([]);
  });

  test('where the next page cannot be read, presses wait until it is, and nothing that was put aside is taken up again', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const [total, before] = [await count(page, 'waiting'), await count(page, 'done')];
    await onFirst(page);
    await page.evaluate(() => {
      window.bureau.fail('conversations', true);
      for (let i = 0; i < 120; i++) document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { code: 'KeyE', key: 'e', bubbles: true }));
    });
    await page.getByTestId('list-retry').waitFor();
    await counted(page, 'done', before + 100);
    await page.evaluate(() => window.bureau.fail('conversations', false));
    // A change may have had it read meanwhile: then there is nothing to press.
    await page.getByTestId('list-retry').click({ timeout: 2_000 }).catch(() => undefined);
    await counted(page, 'done', before + 120);
    await counted(page, 'waiting', total - 120);
    await expect.poll(() => selected(page).count()).toBe(1);
  });

  test('the last one put aside leaves words, and the keys in the list’s part of the window', async () => {
    const page = await inbox({ query: 'conversations=12' });
    await view(page, 'waiting');
    const total = await count(page, 'waiting');
    await onFirst(page);
    for (let i = 0; i < total; i++) await page.keyboard.press('KeyE');
    await page.getByText('Ніхто не чекає').waitFor();
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-landmark') === 'list');
    await page.keyboard.press('KeyZ');
    await row(page, 0).waitFor();
  });

  test('a held key puts one aside, not many', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const total = await count(page, 'waiting');
    await onFirst(page);
    await page.keyboard.down('KeyE');
    for (let i = 0; i < 5; i++) await page.keyboard.down('KeyE');
    await page.keyboard.up('KeyE');
    await counted(page, 'waiting', total - 1);
    expect(await page.evaluate(() => window.bureau.calls['setTriage'])).toBe(1);
  });

  test('M takes a conversation and lets it go, the names open with Shift and the keys come back', async () => {
    const page = await inbox();
    await view(page, 'unassigned');
    const id = await onFirst(page);
    const mine = await count(page, 'mine');
    await page.keyboard.press('KeyM');
    await counted(page, 'mine', mine + 1);
    expect(await page.getByTestId('talk-assign').textContent()).toContain('Ірина Коваль');
    await page.keyboard.press('KeyM');
    await counted(page, 'mine', mine);
    await page.keyboard.press('Shift+KeyM');
    await page.getByTestId('assign-to').filter({ hasText: 'Марко Дуб' }).click();
    await rowOf(page, id).getByTestId('conversation-assignee').waitFor();
    expect(await rowOf(page, id).getByTestId('conversation-assignee').getAttribute('title')).toBe('Відповідає Марко Дуб');
    await list(page).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('KeyZ');
    await rowOf(page, id).getByTestId('conversation-assignee').waitFor({ state: 'detached' });
  });

  test('letters typed into a field do nothing of this, and opening or answering gives nobody anything', async () => {
    const page = await inbox();
    await row(page, 0).click();
    await page.getByTestId('message').first().waitFor();
    await page.keyboard.press('KeyR');
    await page.getByTestId('mail-text').fill('');
    await page.keyboard.type('ewmx');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('toast').waitFor();
    expect(await page.evaluate(() => [window.bureau.calls['setTriage'], window.bureau.calls['assign']])).toEqual([undefined, undefined]);
  });
});

describe('the open conversation', () => {
  test('is done by its button, stays, and is opened again by it', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    await row(page, 0).click();
    const id = await idAt(page, 0);
    await page.getByTestId('talk-done').click();
    await page.locator('[data-testid="talk-turn"][data-turn="done"]').waitFor();
    expect(await selected(page).getAttribute('data-id')).toBe(id);
    await page.getByTestId('talk-done').click();
    await page.getByTestId('talk-turn').waitFor({ state: 'detached' });
    await page.getByTestId('talk-more').click();
    await page.getByTestId('talk-pending').click();
    await page.locator('[data-testid="talk-turn"][data-turn="pending"]').waitFor();
  });

  test('in which the customer wrote meanwhile is left open, and says so', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const id = await onFirst(page);
    await page.evaluate((key) => window.bureau.meanwhile(key), id);
    await page.keyboard.press('KeyE');
    await toast(page).filter({ hasText: 'надійшло нове повідомлення' }).waitFor();
    expect(await page.getByTestId('triage-undo').count()).toBe(0);
    await page.getByTestId('triage-show').click();
    // Who wrote again waits from then on: the row stands far down, the conversation is open.
    await page.waitForFunction((wanted) => window.bureau.front() === wanted, id);
    await page.getByTestId('talk-done').waitFor();
    expect(await page.getByTestId('talk-turn').count()).toBe(0);
  });

  test('that is done opens by itself when the customer writes', async () => {
    const page = await inbox();
    const id = await idAt(page, 4);
    await row(page, 4).click();
    await page.getByTestId('talk-done').click();
    await page.locator('[data-testid="talk-turn"][data-turn="done"]').waitFor();
    await page.evaluate((key) => {
      window.bureau.meanwhile(key);
      window.bureau.triageElsewhere(key, {});
    }, id);
    await page.getByTestId('talk-turn').waitFor({ state: 'detached' });
  });

  test('that could not be changed stays as it was, and says so', async () => {
    const page = await inbox();
    await row(page, 0).click();
    await page.evaluate(() => window.bureau.fail('setTriage', true));
    await page.getByTestId('talk-done').click();
    await toast(page).filter({ hasText: 'Не змінено' }).waitFor();
    expect(await page.getByTestId('talk-turn').count()).toBe(0);
  });
});

describe('several at once', () => {
  test('are chosen with the pointer as in other lists, without being opened', async () => {
    const page = await inbox();
    await row(page, 1).click();
    await row(page, 3).click({ modifiers: ['Control'] });
    expect(await page.getByTestId('bulk-count').textContent()).toBe('Вибрано 2');
    await row(page, 6).click({ modifiers: ['Shift'] });
    expect(await page.getByTestId('bulk-count').textContent()).toBe('Вибрано 5');
    expect(await list(page).getAttribute('aria-multiselectable')).toBe('true');
    expect(await selected(page).count()).toBe(5);
    expect(await page.locator('[role="option"][aria-current="true"]').getAttribute('data-id')).toBe(await idAt(page, 1));
    await page.keyboard.press('Escape');
    await page.getByTestId('bulk-bar').waitFor({ state: 'detached' });
    await row(page, 2).click({ modifiers: ['Meta'] });
    expect(await selected(page).count()).toBe(2);
    await row(page, 8).click();
    await page.getByTestId('bulk-bar').waitFor({ state: 'detached' });
  });

  test('are chosen by key, done together, told of and taken back with one key', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const total = await count(page, 'waiting');
    const before = await ids(page);
    await onFirst(page);
    await page.keyboard.press('KeyX');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('Shift+ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    expect(await page.getByTestId('bulk-count').textContent()).toBe('Вибрано 4');
    await page.waitForFunction(() => document.querySelector('[data-testid="announcer"]')?.textContent === 'Вибрано 4');
    const after = await page.getByTestId('conversation-row').evaluateAll((nodes) => nodes.filter((node) => node.getAttribute('aria-selected') === 'false').map((node) => (node as HTMLElement).dataset['id'] ?? ''));
    await page.keyboard.press('KeyE');
    await counted(page, 'waiting', total - 4);
    const at = page.locator('.row.at');
    await at.waitFor();
    // The last one chosen is open and stays while it is; the keys are on it, not somewhere else.
    expect([after[0], await page.locator('[role="option"][aria-current="true"]').getAttribute('data-id')]).toContain(await at.getAttribute('data-id'));
    const spoken = toast(page).filter({ hasText: '4 розмови готові' });
    expect(await spoken.evaluate((node) => node.closest('[role="status"]') !== null)).toBe(true);
    expect(await page.getByTestId('bulk-bar').count()).toBe(0);
    await page.keyboard.press('KeyZ');
    await counted(page, 'waiting', total);
    await page.waitForFunction(() => document.querySelector('[data-testid="announcer"]')?.textContent === 'Повернуто, як було');
    await page.waitForFunction((wanted) => JSON.stringify([...document.querySelectorAll<HTMLElement>('[data-testid="conversation-row"]')].slice(0, 6).map((node) => node.dataset['id'])) === wanted, JSON.stringify(before.slice(0, 6)));
  });

  test('give each back what it was before, whatever that was', async () => {
    const page = await inbox();
    const turns = () => page.evaluate(() => [...document.querySelectorAll<HTMLElement>('[data-testid="conversation-row"]')].filter((node) => Number(node.ariaPosInSet) >= 40 && Number(node.ariaPosInSet) <= 47).map((node) => `${node.dataset['id']} ${node.querySelector<HTMLElement>('[data-testid="conversation-turn"]')?.dataset['turn'] ?? 'open'} ${node.querySelector('[data-testid="conversation-assignee"] bdi')?.textContent ?? ''}`));
    await list(page).evaluate((node) => (node.scrollTop = 39 * 72));
    await drawn(page);
    const at = (place: number) => page.locator(`[data-testid="conversation-row"][aria-posinset="${place}"]`);
    const before = await turns();
    expect(new Set(before.map((line) => line.split(' ')[1])).size).toBe(3);
    await at(40).click({ modifiers: ['Control'] });
    await at(47).click({ modifiers: ['Shift'] });
    await page.getByTestId('bulk-pending').click();
    await page.getByTestId('triage-undo').waitFor();
    expect((await turns()).every((line) => line.includes(' pending '))).toBe(true);
    await page.getByTestId('triage-undo').click();
    await expect.poll(turns).toEqual(before);
    await at(40).click({ modifiers: ['Control'] });
    await at(47).click({ modifiers: ['Shift'] });
    await page.getByTestId('bulk-assign').click();
    await page.getByTestId('assign-to').filter({ hasText: 'Софія Лозова' }).click();
    await page.getByTestId('triage-undo').waitFor();
    expect((await turns()).every((line) => line.includes('Софія'))).toBe(true);
    await list(page).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('KeyZ');
    await expect.poll(turns).toEqual(before);
  });

  test('of which one had a new message say how many stayed open', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const total = await count(page, 'waiting');
    const [, second = '', third = ''] = await ids(page);
    await onFirst(page);
    for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+ArrowDown');
    await page.evaluate((key) => window.bureau.meanwhile(key), second);
    await page.keyboard.press('KeyE');
    await toast(page).filter({ hasText: '3 розмови готові' }).waitFor();
    expect(await toast(page).textContent()).toContain('1 розмову лишено відкритою');
    await rowOf(page, third).waitFor({ state: 'detached' });
    await page.keyboard.press('KeyZ');
    await counted(page, 'waiting', total);
  });

  test('five hundred are done and taken back at once', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const total = await count(page, 'waiting');
    await list(page).focus();
    for (let last = 0; last < 500; ) {
      await page.keyboard.press('End');
      await page.waitForFunction((before) => Number(document.querySelector('[data-testid="conversation-row"]:last-child')?.getAttribute('aria-posinset') ?? 0) >= 0 && before >= 0, last);
      await drawn(page);
      last = Math.max(last, ...(await page.getByTestId('conversation-row').evaluateAll((nodes) => nodes.map((node) => Number(node.getAttribute('aria-posinset'))))));
    }
    await page.keyboard.press('Control+KeyA');
    const n = Number((await page.getByTestId('bulk-count').textContent())?.replace(/\D/gu, ''));
    expect(n).toBeGreaterThanOrEqual(500);
    const began = Date.now();
    await page.keyboard.press('KeyE');
    await counted(page, 'waiting', total - n);
    await page.keyboard.press('KeyZ');
    await counted(page, 'waiting', total);
    console.log(`${n} done and taken back in ${Date.now() - began} ms`);
    expect(await page.evaluate(() => window.bureau.calls['setTriage'])).toBe(2);
  });

  test('are marked read and unread, and back', async () => {
    const page = await inbox();
    const fresh = (await page.locator('.row.new').evaluateAll((nodes) => nodes.map((node) => (node as HTMLElement).dataset['id'] ?? ''))).slice(0, 3);
    const [first = ''] = fresh;
    await list(page).focus();
    await page.keyboard.press('Control+KeyA');
    const unread = await page.locator('.row.new').count();
    await page.keyboard.press('Shift+KeyU');
    await page.waitForFunction(() => document.querySelectorAll('.row.new').length === 0);
    expect(unread).toBeGreaterThan(2);
    await page.keyboard.press('KeyZ');
    await rowOf(page, first).and(page.locator('.new')).waitFor();
    await page.waitForFunction((wanted) => document.querySelectorAll('.row.new').length === wanted, unread);
    await row(page, 6).click({ modifiers: ['Control'] });
    await row(page, 8).click({ modifiers: ['Shift'] });
    await page.keyboard.press('KeyU');
    await page.waitForFunction(() => [...document.querySelectorAll('[data-testid="conversation-row"]')].slice(6, 9).every((node) => node.classList.contains('new')));
  });

  test('that leave the list are let go', async () => {
    const page = await inbox();
    await view(page, 'waiting');
    const [first = ''] = await ids(page);
    await onFirst(page);
    await page.keyboard.press('KeyX');
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByTestId('nav-inbox').focus();
    await row(page, 5).click();
    await row(page, 0).click({ modifiers: ['Control'] });
    // Not into a mail's frame, which keeps the news of the pointer to itself.
    await page.mouse.move(900, 20);
    expect(await page.getByTestId('bulk-count').textContent()).toBe('Вибрано 2');
    await page.evaluate((id) => window.bureau.triageElsewhere(id, { triage: 'done' }), first);
    await page.waitForFunction(() => document.querySelector('[data-testid="bulk-count"]')?.textContent === 'Вибрано 1');
  });
});

describe('the settings', () => {
  test('keep who works here, who one is, and no name twice', async () => {
    const page = await inbox({ query: 'nobody' });
    await page.getByTestId('nav-settings').click();
    const fresh = page.getByTestId('person-new');
    for (const name of ['Ірина Коваль', '  Марко   Дуб ', 'Ірина Коваль']) {
      await fresh.fill(name);
      await page.keyboard.press('Enter');
      await drawn(page);
      await page.waitForTimeout(20);
    }
    expect(await page.getByTestId('person-name').evaluateAll((nodes) => nodes.map((node) => (node as HTMLInputElement).value))).toEqual(['Ірина Коваль', 'Марко Дуб']);
    expect(await fresh.getAttribute('aria-invalid')).toBe('true');
    await page.getByTestId('me-select').selectOption('Марко Дуб');
    await page.getByTestId('person-name').nth(1).fill('Марта Дуб');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector<HTMLSelectElement>('[data-testid="me-select"]')?.value === 'Марта Дуб');
    await page.getByTestId('person-remove').nth(1).click();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="person-name"]').length === 1);
    expect(await page.getByTestId('me-select').inputValue()).toBe('');
    await page.waitForFunction(() => document.activeElement?.getAttribute('data-testid') === 'person-name');
  });

  test('count the wait in the hours that are kept, and refuse an end before the beginning', async () => {
    const page = await inbox();
    // It is Sunday noon: the first conversation came 13 minutes ago.
    expect(await row(page, 0).getByTestId('conversation-waiting').textContent()).toContain('13 хв');
    await page.getByTestId('nav-settings').click();
    await page.getByTestId('hours-from').selectOption('19:00');
    await page.getByTestId('hours-bad').waitFor();
    expect(await page.getByTestId('hours-bad').textContent()).toContain('09:00–18:00');
    expect(await page.evaluate(() => window.bureau.calls['setPreferences'] ?? 0)).toBe(0);
    await page.getByTestId('hours-to').selectOption('22:00');
    await page.getByTestId('hours-bad').waitFor({ state: 'detached' });
    await page.getByTestId('nav-inbox').click();
    await row(page, 0).getByText('у неробочий час').waitFor();
    await page.getByTestId('nav-settings').click();
    for (const [id, time] of [['hours-from', '09:00'], ['hours-to', '18:00']] as const) await page.getByTestId(id).selectOption(time);
    await page.getByTestId('day-7').click();
    await page.getByTestId('nav-inbox').click();
    await row(page, 0).getByText('у неробочий час').waitFor();
  });
});
