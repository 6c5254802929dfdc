import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { type Opening, drawn, faults, pictures, row, useBrowser } from './browser';

const { open } = useBrowser();

async function chat(opening: Opening = {}): Promise<Page> {
  const page = await open({ ...opening, width: 1440, query: ['telegram', opening.query].filter(Boolean).join('&') });
  await page.getByTestId('filter-telegram').click();
  await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
  await page.getByTestId('message').first().waitFor();
  if (opening.width) await page.setViewportSize({ width: opening.width, height: opening.height ?? 900 });
  await drawn(page);
  return page;
}

async function answer(opening: Opening = {}): Promise<Page> {
  const page = await open(opening);
  await row(page, 0).click();
  await page.getByTestId('mail-bar').waitFor();
  await page.getByTestId('mail-reply').click();
  await page.getByTestId('mail-text').and(page.locator(':focus')).waitFor();
  return page;
}

const field = (page: Page) => page.getByTestId('compose-text');
/** What was handed over to go out, once something was. */
async function texts(page: Page) {
  await page.waitForFunction(() => window.bureau.texts.length > 0);
  return await page.evaluate(() => window.bureau.texts);
}
const plain = (list: readonly { kind: string; offset: number; length: number; url: string | null }[]) => list.map(({ kind, offset, length, url }) => [kind, offset, length, url]);

/** Selects words in a field, as a person would. */
const select = (page: Page, testid: string, words: string) =>
  page.getByTestId(testid).evaluate((node: HTMLTextAreaElement, wanted) => {
    node.focus();
    const at = node.value.indexOf(wanted);
    node.setSelectionRange(at, at + wanted.length);
  }, words);

describe('words shown in another way, in a chat', () => {
  test('by key, on a Cyrillic layout too; undo takes it back; it goes out as Telegram’s own and is shown so', async () => {
    const page = await chat();
    await field(page).click();
    await page.keyboard.type('Готово в середу, сума сто 🙂');
    await select(page, 'compose-text', 'середу');
    await page.keyboard.press('Control+KeyB');
    expect(await field(page).inputValue()).toBe('Готово в **середу**, сума сто 🙂');
    await page.keyboard.press('Control+KeyZ');
    expect(await field(page).inputValue()).toBe('Готово в середу, сума сто 🙂');
    await select(page, 'compose-text', 'середу');
    await field(page).dispatchEvent('keydown', { code: 'KeyB', key: 'и', ctrlKey: true, bubbles: true, cancelable: true });
    await page.keyboard.press('Control+KeyI');
    expect(await field(page).inputValue()).toBe('Готово в **__середу__**, сума сто 🙂');
    await page.keyboard.press('Control+KeyI');
    await select(page, 'compose-text', 'сто');
    await page.keyboard.press('Control+Shift+KeyX');
    expect(await field(page).inputValue()).toBe('Готово в **середу**, сума ~~сто~~ 🙂');
    await page.keyboard.press('Control+Enter');
    const bubble = page.getByTestId('outgoing').locator('.body');
    await bubble.locator('b', { hasText: 'середу' }).waitFor();
    expect(await bubble.textContent()).toBe('Готово в середу, сума сто 🙂');
    const [form] = await texts(page);
    expect(form?.text).toBe('Готово в середу, сума сто 🙂');
    expect(plain(form?.entities ?? [])).toEqual([['bold', 9, 6, null], ['strike', 22, 3, null]]);
    await page.getByTestId('outgoing').waitFor({ state: 'detached' });
    await page.getByTestId('message').last().locator('b', { hasText: 'середу' }).waitFor();
    expect(faults.get(page)).toEqual([]);
  });

  test('by the menu; a link asks for its address in the text', async () => {
    const page = await chat();
    await field(page).fill('Ось договір таємно');
    await select(page, 'compose-text', 'таємно');
    await page.getByTestId('format-button').click();
    await page.screenshot({ path: `${pictures}write-menu-1440.png` });
    await page.getByTestId('write.spoiler').click();
    await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('[data-testid="compose-text"]')?.value === 'Ось договір ||таємно||');
    await select(page, 'compose-text', 'договір');
    await page.keyboard.press('Control+KeyK');
    await page.keyboard.type('https://example.org/d_1__2');
    expect(await field(page).inputValue()).toBe('Ось [договір](https://example.org/d_1__2) ||таємно||');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('outgoing').getByTestId('text-link').waitFor();
    expect(plain((await texts(page))[0]?.entities ?? [])).toEqual([['text_url', 4, 7, 'https://example.org/d_1__2'], ['spoiler', 12, 6, null]]);
  });

  test('signs that are no marks go out as they are, and marks are not counted as text', async () => {
    const page = await chat();
    await field(page).fill('2 ** 3, snake__case__name, від __.__.2026');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('outgoing').waitFor();
    expect(await texts(page)).toMatchObject([{ text: '2 ** 3, snake__case__name, від __.__.2026', entities: [] }]);
    await field(page).fill(`**${'я'.repeat(4096)}**`);
    expect(await page.getByTestId('compose-send').isDisabled()).toBe(false);
    await field(page).fill(`**${'я'.repeat(4097)}**`);
    await page.getByTestId('compose-count').getByText('Задовго на 1 знак').waitFor();
  });

  test('what failed comes back with its marks', async () => {
    const page = await chat();
    await field(page).fill('**відмова** і \\__так__');
    await page.keyboard.press('Control+Enter');
    await page.locator('[data-testid="outgoing"][data-state="failed"]').getByTestId('outgoing-edit').click();
    await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('[data-testid="compose-text"]')?.value === '**відмова** і \\__так__');
  });

  test('a message that is changed keeps what it is shown with', async () => {
    const page = await chat();
    await field(page).fill('Термін **у середу**, [ціни](https://example.org/c)');
    await page.keyboard.press('Control+Enter');
    const message = page.getByTestId('message').filter({ hasText: 'Термін у середу' }).last();
    await message.waitFor();
    await page.getByTestId('outgoing').waitFor({ state: 'detached' });
    await message.focus();
    await message.getByRole('button', { name: 'Дії з повідомленням' }).click();
    await page.getByTestId('message-edit').click();
    await page.getByTestId('edit-chip').waitFor();
    expect(await field(page).inputValue()).toBe('Термін **у середу**, [ціни](https://example.org/c)');
    expect(await page.getByTestId('compose-later').count()).toBe(0);
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('edit-chip').waitFor({ state: 'detached' });
    expect(await page.evaluate(() => window.bureau.edits)).toEqual([]);
    await message.focus();
    await message.getByRole('button', { name: 'Дії з повідомленням' }).click();
    await page.getByTestId('message-edit').click();
    await page.getByTestId('edit-chip').waitFor();
    await field(page).fill('Новий термін **у середу**, [ціни](https://example.org/c)');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('edit-chip').waitFor({ state: 'detached' });
    const [edit] = await page.evaluate(() => window.bureau.edits);
    expect(edit?.text).toBe('Новий термін у середу, ціни');
    expect(plain(edit?.entities ?? [])).toEqual([['bold', 13, 8, null], ['text_url', 23, 4, 'https://example.org/c']]);
    await message.locator('b', { hasText: 'у середу' }).waitFor();
  });
});

describe('words shown in another way, in a mail', () => {
  test('go out beside the text without marks, and the card on its way shows them', async () => {
    const page = await answer({ query: 'undo=20' });
    await page.keyboard.type('Ціна 100 грн, ||не сховано||');
    await select(page, 'mail-text', '100 грн');
    await page.keyboard.press('Control+KeyB');
    await page.getByTestId('format-button').click();
    expect(await page.getByTestId('write.spoiler').count()).toBe(0);
    await page.keyboard.press('Escape');
    await page.getByTestId('mail-text').press('Control+Enter');
    const card = page.getByTestId('outgoing-mail');
    await card.locator('b', { hasText: '100 грн' }).waitFor();
    await page.screenshot({ path: `${pictures}write-mail-card-1440.png` });
    const [form] = await page.evaluate(() => window.bureau.mails);
    expect(form?.text).toContain('Ціна 100 грн, ||не сховано||');
    expect(plain(form?.entities ?? [])).toEqual([['bold', (form?.text ?? '').indexOf('100'), 7, null]]);
    await page.getByTestId('mail-undo').click();
    await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('[data-testid="mail-text"]')?.value.startsWith('Ціна **100 грн**'));
    expect(faults.get(page)).toEqual([]);
  });

  test('what is passed on is quoted as it stands', async () => {
    const page = await open({ query: 'undo=0' });
    await row(page, 0).click();
    await page.getByTestId('mail-bar').waitFor();
    await page.getByTestId('mail-forward').click();
    await page.getByTestId('mail-to').and(page.locator(':focus')).waitFor();
    await page.keyboard.type('Петро Коваль <petro@example.org>,');
    await page.getByTestId('mail-text').fill('**До відома.**');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    const [form] = await page.evaluate(() => window.bureau.mails);
    expect(form?.text.startsWith('До відома.\n\n---------- Переслано')).toBe(true);
    expect(plain(form?.entities ?? [])).toEqual([['bold', 0, 10, null]]);
  });
});

describe('emoji', () => {
  test('by keyboard alone: opened, found in the window’s language, put in at the caret, undone, and first next time', async () => {
    const page = await chat();
    await field(page).click();
    await page.keyboard.type('Дякую!');
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Control+Shift+KeyE');
    await page.getByTestId('emoji-search').and(page.locator(':focus')).waitFor();
    await page.getByTestId('emoji-cell').first().waitFor();
    await page.keyboard.type('рукости');
    await page.getByRole('gridcell', { name: 'рукостискання угода' }).waitFor();
    expect(await page.getByTestId('emoji-cell').count()).toBe(1);
    await page.keyboard.press('Enter');
    await field(page).and(page.locator(':focus')).waitFor();
    await page.getByTestId('emoji').waitFor({ state: 'detached' });
    expect(await field(page).inputValue()).toBe('Дякую🤝!');
    await page.keyboard.type(' так');
    expect(await field(page).inputValue()).toBe('Дякую🤝 так!');
    for (let i = 0; i < 5 && (await field(page).inputValue()).includes('🤝'); i++) await page.keyboard.press('Control+KeyZ');
    expect(await field(page).inputValue()).toBe('Дякую!');
    await page.getByTestId('emoji-button').click();
    await page.getByTestId('emoji').getByText('Нещодавні').waitFor();
    expect(await page.getByTestId('emoji-cell').first().textContent()).toBe('🤝');
    await page.screenshot({ path: `${pictures}write-emoji-1440.png` });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    const active = await page.getByTestId('emoji-search').getAttribute('aria-activedescendant');
    expect(await page.locator('.emoji-cell.on').getAttribute('id')).toBe(active);
    expect(await page.locator('.emoji-cell.on').textContent()).toBe('😃');
    await page.keyboard.press('PageDown');
    expect(await page.locator('.emoji-cell.on').textContent()).toBe('👋');
    await page.getByTestId('emoji-group').last().click();
    expect(await page.locator('.emoji-cell.on').textContent()).toBe('✅');
    await page.getByTestId('emoji-search').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Escape');
    await field(page).and(page.locator(':focus')).waitFor();
    expect(faults.get(page)).toEqual([]);
  });

  test('what is not found is said; in a mail it is put in too', async () => {
    const page = await answer();
    await page.getByTestId('emoji-button').click();
    await page.getByTestId('emoji-search').fill('ґґґ');
    await page.getByTestId('emoji-none').waitFor();
    await page.getByTestId('emoji-search').fill('');
    await page.getByRole('gridcell', { name: 'готово так зроблено' }).click();
    await page.waitForFunction(() => document.querySelector<HTMLTextAreaElement>('[data-testid="mail-text"]')?.value.startsWith('✅'));
  });
});

test('in the window of a new mail, emoji and marks leave the window open and the keys in the text', async () => {
  const page = await open();
  await row(page, 0).waitFor();
  await page.keyboard.press('KeyC');
  await page.getByTestId('new-mail').waitFor();
  const text = page.getByTestId('mail-text');
  await text.click();
  await page.keyboard.type('так ');
  await page.keyboard.press('Control+Shift+KeyE');
  await page.getByTestId('emoji-search').and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('emoji').waitFor({ state: 'detached' });
  await text.and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Control+Shift+KeyE');
  await page.getByTestId('emoji-cell').first().waitFor();
  await page.getByTestId('emoji-cell').nth(2).click();
  await text.and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Control+KeyB');
  await page.keyboard.type('добре');
  expect(await text.inputValue()).toMatch(/^так 😄\*\*добре\*\*/);
  await page.getByTestId('new-mail').waitFor();
  expect(faults.get(page)).toEqual([]);
});

describe('a chat message for later', () => {
  test('stands with its time, and can be taken back', async () => {
    const page = await chat();
    await field(page).fill('Нагадую **про довідку**');
    await page.getByTestId('compose-later').click();
    await page.getByTestId('later-tomorrow').click();
    const waiting = page.locator('[data-testid="outgoing"][data-state="waiting"]');
    await waiting.getByText('Заплановано на завтра').waitFor();
    const [form] = await texts(page);
    expect(form).toMatchObject({ text: 'Нагадую про довідку' });
    expect(Date.parse(form?.sendAt ?? '')).toBeGreaterThan(await page.evaluate(() => Date.now()));
    await page.screenshot({ path: `${pictures}write-later-1440.png` });
    await field(page).fill('А це зараз');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('message').last().getByText('А це зараз').waitFor();
    await waiting.getByTestId('outgoing-edit').click();
    await waiting.waitFor({ state: 'detached' });
    expect(await field(page).inputValue()).toBe('Нагадую **про довідку**');
    expect(faults.get(page)).toEqual([]);
  });

  test('gets another time, and goes at once when somebody says so', async () => {
    const page = await chat();
    await field(page).fill('Нагадую');
    await page.getByTestId('compose-later').click();
    await page.getByTestId('later-tomorrow').click();
    const waiting = page.locator('[data-testid="outgoing"][data-state="waiting"]');
    await waiting.getByText('Заплановано на завтра').waitFor();
    await waiting.getByTestId('outgoing-time').click();
    await page.getByTestId('mail-later-day').selectOption('3');
    await page.getByTestId('mail-later-time').selectOption('14:30');
    await page.getByTestId('mail-later-set').click();
    await waiting.getByText('14:30').waitFor();
    await waiting.getByTestId('outgoing-now').click();
    await page.getByTestId('message').last().getByText('Нагадую').waitFor();
    expect(await texts(page)).toHaveLength(1);
    expect(faults.get(page)).toEqual([]);
  });

  test('a day and time of one’s own are chosen in words of a chat', async () => {
    const page = await chat();
    await field(page).fill('Пізніше');
    await page.getByTestId('compose-later').click();
    await page.getByTestId('later-choose').click();
    await page.getByTestId('mail-later-dialog').getByText('Повідомлення піде').waitFor();
    await page.getByTestId('mail-later-set').click();
    await page.getByTestId('outgoing').getByText('Заплановано на').waitFor();
  });
});

describe('a chat message that can be undone', () => {
  test('comes back by Ctrl+Z into the empty field, or goes when its time is over', async () => {
    const page = await chat({ query: 'chatUndo=3' });
    await field(page).fill('Ой, не туди');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('outgoing').getByText('Піде о').waitFor();
    await page.getByTestId('outgoing').getByTestId('outgoing-now').waitFor();
    await field(page).focus();
    await page.keyboard.press('Control+KeyZ');
    await page.getByTestId('outgoing').waitFor({ state: 'detached' });
    expect(await field(page).inputValue()).toBe('Ой, не туди');
    await field(page).fill('Тепер сюди');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('message').last().getByText('Тепер сюди').waitFor();
    expect(await page.getByTestId('message').getByText('Ой, не туди').count()).toBe(0);
    expect(faults.get(page)).toEqual([]);
  });
});

test.each([
  ['light', 1024, false],
  ['light', 1920, false],
  ['dark', 1024, true],
  ['dark', 1920, true],
] as const)('looks: %s at %d px', async (name, width, dark) => {
  for (const language of ['uk', 'pl']) {
    const page = await chat({ width, dark, height: width === 1024 ? 700 : 1000, query: `language=${language}` });
    await field(page).fill('Дякую, усе читається. **Разом 8,4 сторінки**');
    await page.getByTestId('compose-later').click();
    await page.getByTestId('later-tomorrow').click();
    await page.getByTestId('outgoing').waitFor();
    await field(page).fill('Дякую, усе читається. **Разом 8,4 сторінки**, тобто готово буде в середу до 16:00');
    await page.screenshot({ path: `${pictures}write-chat-${name}-${width}-${language}.png` });
    await page.getByTestId('emoji-button').click();
    await page.getByTestId('emoji-cell').first().waitFor();
    await page.keyboard.press('ArrowDown');
    await drawn(page);
    await page.screenshot({ path: `${pictures}write-emoji-${name}-${width}-${language}.png` });
    const tools = await page.locator('.composer .tools > *').evaluateAll((nodes) => nodes.map((node) => node.getBoundingClientRect().height));
    expect(Math.max(...tools)).toBeLessThan(34);
    await page.context().close();
  }
  const page = await answer({ width, dark, height: width === 1024 ? 700 : 1000, query: 'language=pl' });
  await page.screenshot({ path: `${pictures}write-mail-${name}-${width}.png` });
  await page.context().close();
});
