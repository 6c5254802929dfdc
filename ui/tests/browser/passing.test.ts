import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { type Opening, drawn, faults, pictures, useBrowser } from './browser';

const { open } = useBrowser();

const rowOf = (page: Page, id: string) => page.locator(`[data-testid="conversation-row"][data-id="${id}"]`);
const calls = (page: Page, name: string) => page.evaluate((command) => window.bureau.calls[command] ?? 0, name);
const chatText = (page: Page) => page.getByTestId('compose-text');
const person = (page: Page) => page.getByTestId('new-chat-person');
const focused = (page: Page, testid: string) => page.getByTestId(testid).and(page.locator(':focus')).waitFor();

async function bureau(opening: Opening = {}): Promise<Page> {
  const page = await open({ query: 'telegram&conversations=12', ...opening });
  await rowOf(page, 't0').waitFor();
  return page;
}

async function chat(page: Page, id = 't0'): Promise<void> {
  await rowOf(page, id).click();
  await chatText(page).waitFor();
  await page.getByTestId('message').first().waitFor();
}

async function newChat(page: Page, whom: string): Promise<void> {
  await page.keyboard.press('Shift+KeyC');
  await focused(page, 'new-chat-person');
  await page.keyboard.type(whom);
  await page.keyboard.press('Enter');
}

/** The question of where a message goes, by its menu. */
async function passOn(page: Page, index: number): Promise<void> {
  await page.getByTestId('message').nth(index).hover();
  await page.getByTestId('message').nth(index).getByRole('button', { name: 'Дії з повідомленням' }).click();
  await page.getByTestId('message-pass').click();
  await focused(page, 'pass-find');
}

async function choose(page: Page, typed: string, words: string): Promise<void> {
  await page.getByTestId('pass-find').fill(typed);
  await page.getByTestId('pass-find-option').filter({ hasText: words }).first().click();
}

const fileNames = (page: Page) => page.getByTestId('mail-file').evaluateAll((nodes) => nodes.map((node) => node.textContent?.replace(/\s+/g, ' ') ?? ''));
/** In the fake chat of Олена. */
const ALBUM = 4;
const DOCUMENT = 5;

describe('a new chat', () => {
  test('is opened by username with the keys in its composer; nothing is sent, and nothing is said of times', async () => {
    const page = await bureau();
    await newChat(page, '@Petro_Koval_example');
    await focused(page, 'compose-text');
    await page.getByTestId('nothing-yet').getByText('Ще нічого не написано').waitFor();
    const row = page.getByTestId('conversation-row').filter({ hasText: 'Петро Коваль' });
    await row.getByText('Ще нічого не написано').waitFor();
    expect(await row.locator('time').count()).toBe(0);
    await page.getByTestId('person-handle').getByText('@petro_koval_example').waitFor();
    expect(await page.getByTestId('person-since').count()).toBe(0);
    expect(await calls(page, 'sendText')).toBe(0);
    await page.keyboard.type('Вітаю!');
    await page.keyboard.press('Control+Enter');
    await row.locator('time').waitFor();
    expect(await page.getByTestId('nothing-yet').count()).toBe(0);
    expect(faults.get(page)).toEqual([]);
  });

  test('is found again by phone, as people write it, and by link', async () => {
    const page = await bureau();
    for (const whom of ['+380 (00) 000-00-99', 'https://t.me/petro_koval_example/', '00380000000099']) {
      await rowOf(page, 't0').click();
      await newChat(page, whom);
      await page.getByRole('heading', { level: 1, name: 'Петро Коваль' }).waitFor();
      await focused(page, 'compose-text');
    }
    expect(await page.getByTestId('conversation-row').filter({ hasText: 'Петро Коваль' }).count()).toBe(1);
    await rowOf(page, 't2').click();
    await newChat(page, '@verbytska_example');
    await page.getByRole('heading', { level: 1, name: 'Олена Вербицька' }).waitFor();
  });

  test('has the keys in its composer also where the conversation takes the place of the list', async () => {
    const page = await bureau({ width: 700, height: 600 });
    await page.getByTestId('conversation-row').first().waitFor();
    await newChat(page, '@petro_koval_example');
    await focused(page, 'compose-text');
    await drawn(page);
    await page.waitForTimeout(300);
    await focused(page, 'compose-text');
  });

  test('says why nobody may be found, and what a name has to be', async () => {
    const page = await bureau();
    await newChat(page, '+380 00 000 00 98');
    await page.getByTestId('new-chat-status').getByText('приховати свій номер').waitFor();
    await focused(page, 'new-chat-person');
    await page.keyboard.type('0000');
    expect(await page.getByTestId('new-chat-status').textContent(), 'another word is another question').toBe('');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid="new-chat-person"][aria-invalid="true"]').waitFor();
    await focused(page, 'new-chat-person');
    await page.keyboard.type('@daryna_example');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Дарина Прихована' }).waitFor();
    expect(faults.get(page)).toEqual([]);
  });

  test('says that an account is not connected, who holds it, and what a server said', async () => {
    const page = await bureau();
    await page.keyboard.press('Shift+KeyC');
    await person(page).fill('@petro_koval_example');
    for (const [account, words] of [['tg-dup', 'Акаунт «Присяжні, чат» зараз не з’єднаний'], ['tg-ban', 'заблок'], ['tg-else', 'skrynka listen']] as const) {
      await page.getByTestId('new-chat-account').selectOption(account);
      expect(await page.getByTestId('new-chat-failed').count()).toBe(0);
      await page.getByTestId('new-chat-do').click();
      await page.getByTestId('new-chat-failed').getByText(words).waitFor();
    }
    await page.evaluate(() => window.bureau.fail('beginChat', true));
    await page.getByTestId('new-chat-account').selectOption('tg-lviv');
    await page.getByTestId('new-chat-do').click();
    await page.getByTestId('new-chat-failed').getByText('connection closed').waitFor();
    await page.evaluate(() => window.bureau.fail('beginChat', false));
    await page.getByTestId('new-chat-do').click();
    await focused(page, 'compose-text');
    expect(await page.getByTestId('composer-from').textContent()).toContain('Львів, чат');
    await page.getByTestId('thread').focus();
    await page.keyboard.press('Shift+KeyC');
    await person(page).waitFor();
    expect(await page.getByTestId('new-chat-account').inputValue(), 'the last one is remembered').toBe('tg-lviv');
  });

  test('is given up by closing while it is looked for', async () => {
    const page = await bureau();
    await page.evaluate(() => window.bureau.slow('beginChat', 600));
    await newChat(page, '@petro_koval_example');
    await page.getByTestId('new-chat-status').getByText('Шукаємо').waitFor();
    await page.keyboard.press('Escape');
    await person(page).waitFor({ state: 'detached' });
    await page.waitForTimeout(800);
    expect(await page.getByTestId('composer').count()).toBe(0);
  });

  test('stands beside a new mail where there are both, alone where there is only Telegram', async () => {
    const page = await bureau();
    await page.getByTestId('compose-new').click();
    await page.getByTestId('compose-chat').click();
    await person(page).waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('compose-new').click();
    await page.getByTestId('compose-mail').click();
    await page.getByTestId('new-mail').waitFor();
    await page.getByTestId('new-mail-close').click();
    await page.evaluate(() => ['acc-zam', 'acc-kyiv', 'acc-lviv', 'acc-waw', 'acc-pry', 'acc-buh', 'acc-not', 'acc-rek', 'acc-eng', 'acc-old'].forEach((id) => window.bureau.removeElsewhere(id)));
    await page.getByRole('button', { name: 'Новий чат' }).click();
    await person(page).waitFor();
    await page.keyboard.press('Escape');
    await person(page).waitFor({ state: 'detached' });
    await page.keyboard.press('KeyC');
    await person(page).waitFor();
    expect(faults.get(page)).toEqual([]);
  });
});

describe('passing on', () => {
  test('a chat’s file goes into a new mail, which waits for a name', async () => {
    const page = await bureau();
    await chat(page);
    await passOn(page, DOCUMENT);
    await choose(page, 'київ', 'Новий лист від «Бюро Київ»');
    await page.getByTestId('pass-busy').getByText('може тривати').waitFor();
    await page.getByTestId('new-mail').waitFor();
    await focused(page, 'mail-to');
    expect(await page.getByTestId('mail-text').inputValue()).toMatch(/^\n\nМарко Дуб\nБюро перекладів\n\nПереслано\. Олена Вербицька, \d\d\.\d\d\.2026 \d\d:\d\d:$/);
    expect(await fileNames(page)).toHaveLength(1);
    expect((await fileNames(page))[0]).toContain('Договір оренди');
    expect(await page.getByTestId('mail-from').locator('select').inputValue()).toBe('acc-kyiv');
    expect([await calls(page, 'sendMail'), await calls(page, 'sendText')]).toEqual([0, 0]);
    expect(faults.get(page)).toEqual([]);
  });

  test('a mail goes into a chat, after what is written there', async () => {
    const page = await bureau();
    await chat(page);
    await chatText(page).fill('Уже написано.');
    await rowOf(page, 'c000000').click();
    await page.getByTestId('message-frame').first().waitFor();
    await page.locator('[data-testid="message"][data-open="true"]').last().getByRole('button', { name: 'Інші дії' }).click();
    await page.getByTestId('message-pass').click();
    await focused(page, 'pass-find');
    await page.keyboard.type('verbytska');
    await page.locator('[data-testid="pass-find-option"][aria-selected="true"]').getByText('Олена Вербицька').waitFor();
    await page.keyboard.press('Enter');
    await focused(page, 'compose-text');
    expect(await chatText(page).inputValue()).toMatch(/^Уже написано\.\n\nПереслано\. ТОВ «Приклад-Буд», .+:\n[^]*лота 4/);
    expect((await fileNames(page)).length).toBeGreaterThan(0);
    expect(await calls(page, 'sendText')).toBe(0);
    expect(faults.get(page)).toEqual([]);
  });

  test('an album goes whole, by key, to another chat; a channel is not offered', async () => {
    const page = await bureau();
    await chat(page);
    await page.getByTestId('message').nth(ALBUM).focus();
    await page.keyboard.press('KeyF');
    await focused(page, 'pass-find');
    await page.getByTestId('pass-find').fill('Новини реєстру');
    await page.getByTestId('pass-on').getByText('Такої розмови немає').waitFor();
    await page.getByTestId('pass-find').fill('verbytska');
    await page.waitForFunction(() => window.bureau.calls['search'] === 2);
    await page.getByTestId('pass-on').getByText('Такої розмови немає').waitFor();
    await choose(page, 'Ярова', 'yarova_example');
    await page.getByRole('heading', { level: 1, name: 'Мирослава Ярова' }).waitFor();
    await focused(page, 'compose-text');
    expect((await chatText(page).inputValue()).match(/Ось фото/g)).toHaveLength(1);
    expect(await fileNames(page)).toHaveLength(3);
  });

  test('within one account a message goes as it is, with its author’s name or without', async () => {
    const page = await bureau();
    await chat(page);
    for (const nameless of [false, true]) {
      await rowOf(page, 't0').click();
      await page.getByTestId('message').first().waitFor();
      await passOn(page, DOCUMENT);
      await choose(page, 'Зоряна', 'Зоряна Квітень');
      await focused(page, 'pass-send');
      expect(await page.getByTestId('pass-find').count()).toBe(0);
      if (nameless) await page.getByTestId('pass-nameless').click();
      await page.getByTestId('pass-send').click();
      await page.getByTestId('pass-on').waitFor({ state: 'detached' });
      await page.getByRole('heading', { level: 1, name: 'Зоряна Квітень' }).waitFor();
      await page.getByTestId('outgoing-forward').getByText(nameless ? 'без імені автора' : 'Переслано від Олена Вербицька').waitFor();
      await page.getByTestId('outgoing').first().waitFor({ state: 'detached' });
    }
    expect([await calls(page, 'passOn'), await calls(page, 'sendText'), await calls(page, 'beginPassingOn')]).toEqual([2, 0, 0]);
    expect(faults.get(page)).toEqual([]);
  });

  test('several messages of a chat are chosen by keys and pointer, copied, and passed on together in their order', async () => {
    const page = await bureau();
    await chat(page);
    const message = (index: number) => page.getByTestId('message').nth(index);
    const chosen = () => page.locator('.msg.chosen').count();
    await message(0).focus();
    await page.keyboard.press('KeyX');
    await page.getByTestId('chat-bulk-count').getByText('Вибрано 1 повідомлення').waitFor();
    await page.keyboard.press('Shift+ArrowDown');
    await page.getByTestId('chat-bulk-count').getByText('Вибрано 2 повідомлення').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('chat-bulk').waitFor({ state: 'detached' });
    await focused(page, 'thread');
    await message(DOCUMENT).click({ modifiers: ['Control'], position: { x: 30, y: 8 } });
    await message(0).click({ position: { x: 30, y: 8 } });
    await page.getByTestId('chat-bulk-count').getByText('Вибрано 2 повідомлення').waitFor();
    expect(await chosen()).toBe(2);
    await drawn(page);
    await page.screenshot({ path: `${pictures}chat-chosen-1440.png` });
    await page.getByTestId('chat-bulk-pass').click();
    await focused(page, 'pass-find');
    await choose(page, 'Ярова', 'yarova_example');
    await page.getByRole('heading', { level: 1, name: 'Мирослава Ярова' }).waitFor();
    await focused(page, 'compose-text');
    const written = await chatText(page).inputValue();
    expect(written.indexOf('Ви працюєте в суботу?')).toBeGreaterThanOrEqual(0);
    expect(await fileNames(page)).toHaveLength(1);
    await rowOf(page, 't0').click();
    await message(0).waitFor();
    expect(await chosen(), 'what has gone is chosen no more').toBe(0);
    expect(faults.get(page)).toEqual([]);
  });

  test('what could go as it is may be copied instead, or go elsewhere; what was refused is told', async () => {
    const page = await bureau();
    await chat(page);
    await passOn(page, 0);
    await choose(page, 'Зоряна', 'Зоряна Квітень');
    await focused(page, 'pass-send');
    await page.evaluate(() => window.bureau.fail('passOn', true));
    await page.keyboard.press('Enter');
    await page.getByTestId('pass-failed').getByText('Не переслано').waitFor();
    await page.getByTestId('pass-elsewhere').click();
    await focused(page, 'pass-find');
    expect(await page.getByTestId('pass-failed').count()).toBe(0);
    await choose(page, 'Зоряна', 'Зоряна Квітень');
    await page.getByTestId('pass-copy').click();
    await focused(page, 'compose-text');
    expect(await chatText(page).inputValue()).toContain('Ви працюєте в суботу?');
    expect(await calls(page, 'sendText')).toBe(0);
  });

  test('a chat’s words go into the answer that is being written, to whom it goes', async () => {
    const page = await bureau();
    await rowOf(page, 'c000000').click();
    await page.getByTestId('mail-bar').waitFor();
    await page.getByTestId('mail-reply-all').click();
    await page.getByTestId('mail-text').fill('Моя відповідь.');
    const people = await page.getByTestId('mail-address').allTextContents();
    await chat(page);
    await passOn(page, 0);
    await choose(page, 'Приклад-Буд', 'Тендерна документація');
    await focused(page, 'mail-text');
    expect(await page.getByTestId('mail-text').inputValue()).toMatch(/^Моя відповідь\.\n\nПереслано\. Олена Вербицька, .+:\nВітаю! Ви працюєте в суботу\?$/);
    expect(await page.getByTestId('mail-address').allTextContents()).toEqual(people);
  });

  test('signs in somebody’s words are not taken for marks of ours', async () => {
    const page = await bureau();
    await chat(page);
    await page.evaluate(() => window.bureau.write('t0', 'Ціна **без** ПДВ'));
    const last = page.getByTestId('message').filter({ hasText: 'без** ПДВ' });
    await last.hover();
    await last.getByRole('button', { name: 'Дії з повідомленням' }).click();
    await page.getByTestId('message-pass').click();
    await choose(page, 'Ярова', 'yarova_example');
    await focused(page, 'compose-text');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('outgoing').getByText('Ціна **без** ПДВ').waitFor();
  });

  test('begins an answer to the last mail where none is written', async () => {
    const page = await bureau();
    await chat(page);
    await passOn(page, 0);
    await choose(page, 'Приклад-Буд', 'Тендерна документація');
    await focused(page, 'mail-text');
    expect(await page.getByTestId('mail-subject').inputValue()).toBe('Re: Тендерна документація, лот 4');
    expect(await page.getByTestId('mail-text').inputValue()).toContain('Ви працюєте в суботу?');
  });

  test('a chat from which something is just being sent is not offered: nothing goes out with it', async () => {
    const page = await bureau();
    await chat(page, 't5');
    await page.evaluate(() => window.bureau.slow('attachPiece', 4000));
    await page.getByTestId('chat-attach').setInputFiles([{ name: 'Скан.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(1000) }]);
    await page.keyboard.press('Control+Enter');
    await chat(page);
    await passOn(page, 0);
    await page.getByTestId('pass-find').fill('Ярова');
    await page.locator('[data-testid="pass-find-option"][aria-selected="true"]').waitFor();
    expect(await page.getByTestId('pass-on').getByText('yarova_example').count()).toBe(0);
    await page.getByTestId('pass-on').getByText('yarova_example').waitFor();
  });

  test('what cannot be copied is named, and everything stays as it was', async () => {
    const page = await bureau();
    await chat(page, 't5');
    await chatText(page).fill('Моє.');
    await chat(page);
    await page.evaluate(() => window.bureau.fail('beginPassingOn', true));
    await passOn(page, DOCUMENT);
    await choose(page, 'Ярова', 'yarova_example');
    await page.getByTestId('pass-failed').getByText('Договір оренди 14-К (чистовий).docx').waitFor();
    await page.getByTestId('pass-failed').getByText('connection closed').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('pass-on').waitFor({ state: 'detached' });
    await page.getByRole('heading', { level: 1, name: 'Олена Вербицька' }).waitFor();
    await chat(page, 't5');
    expect(await chatText(page).inputValue()).toBe('Моє.');
  });

  test('waiting for a file is given up, and what comes late is not used', async () => {
    const page = await bureau();
    await chat(page);
    await page.evaluate(() => window.bureau.slow('beginPassingOn', 700));
    await passOn(page, DOCUMENT);
    await choose(page, 'Ярова', 'yarova_example');
    await page.getByTestId('pass-stop').click();
    await page.getByTestId('pass-busy').waitFor({ state: 'detached' });
    expect(await calls(page, 'cancelFetch')).toBe(1);
    await page.waitForTimeout(1900);
    await drawn(page);
    expect(await page.getByTestId('pass-on').count(), 'another goal can be chosen').toBe(1);
    await page.keyboard.press('Escape');
    await chat(page, 't5');
    expect(await chatText(page).inputValue()).toBe('');
    expect(await page.getByTestId('mail-file').count()).toBe(0);
  });
});
