import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { type Opening, drawn, faults, pictures, row, useBrowser } from './browser';

const { open } = useBrowser();

/** The tender: from Замовлення, with a second address in Cc and files. */
async function mail(opening: Opening = {}, index = 0): Promise<Page> {
  const page = await open(opening);
  await row(page, index).click();
  await page.getByTestId('message').first().waitFor();
  await page.getByTestId('mail-bar').waitFor();
  return page;
}

const text = (page: Page) => page.getByTestId('mail-text');
const sent = (page: Page) => page.evaluate(() => window.bureau.mails);
const calls = (page: Page, name: string) => page.evaluate((command) => window.bureau.calls[command] ?? 0, name);
const outgoing = (page: Page, state: string) => page.locator(`[data-testid="outgoing-mail"][data-state="${state}"]`);
const addresses = (page: Page) => page.getByTestId('mail-address').evaluateAll((nodes) => nodes.map((node) => node.getAttribute('title')));

/** A file is let go over the composer or pasted into it. */
const hand = (page: Page, event: 'drop' | 'paste', name: string) =>
  page.getByTestId('mail-composer').evaluate(
    (node, [type, file]) => {
      const data = new DataTransfer();
      data.items.add(new File(['вміст'], file));
      node.dispatchEvent(type === 'drop' ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }) : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    },
    [event, name] as const,
  );

describe('an answer', () => {
  test('by keyboard alone: R, words, Ctrl+Enter, and the keys are back in the thread', async () => {
    const page = await mail({ query: 'undo=1' });
    await page.keyboard.press('KeyR');
    await text(page).and(page.locator(':focus')).waitFor();
    await page.getByTestId('mail-from').getByText('zamovlennia@example.org').waitFor();
    await page.keyboard.type('Дякую, усе отримали.');
    await page.screenshot({ path: `${pictures}mail-reply-1440.png` });
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    await page.getByTestId('thread').and(page.locator(':focus')).waitFor();
    await outgoing(page, 'waiting').waitFor();
    await page.getByTestId('toast').getByText('на скасування').first().waitFor();
    await page.getByTestId('outgoing-mail').waitFor({ state: 'detached' });
    await page.getByTestId('message').last().getByText('Дякую, усе отримали.').waitFor();
    const [form] = await sent(page);
    expect(form).toMatchObject({ subject: 'Re: Тендерна документація, лот 4', quotes: true, sendAt: null, cc: [], bcc: [], files: [] });
    expect(form?.answers).toContain('c000000-m');
    expect(await calls(page, 'sendMail')).toBe(1);
    expect(faults.get(page)).toEqual([]);
  });

  test('to all names everybody; a mail that is passed on takes its files and its text and answers nobody', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply-all').click();
    await text(page).waitFor();
    expect(await addresses(page)).toHaveLength(2);
    await page.keyboard.press('Escape');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    await page.keyboard.press('KeyF');
    await page.getByTestId('mail-to').and(page.locator(':focus')).waitFor();
    expect(await page.getByTestId('mail-file').count()).toBe(2);
    await page.keyboard.type('Петро Коваль <petro@example.org>,');
    await text(page).fill('До відома.');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    const [form] = await sent(page);
    expect(form).toMatchObject({ to: [{ name: 'Петро Коваль', address: 'petro@example.org' }], answers: null, quotes: false });
    expect(form?.text).toContain('Переслано');
    expect(form?.files).toHaveLength(2);
  });

  test('to a mail further up goes by its own menu, and stands under the signature', async () => {
    const page = await mail({}, 1);
    const box = page.getByTestId('message').last();
    await box.getByRole('button', { name: 'Інші дії' }).click();
    await page.getByTestId('message-reply-all').click();
    await text(page).waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('nav-inbox').click();
    await page.locator('[data-testid="conversation-row"]:has-text("Бюро Київ")').first().click();
    await page.getByTestId('mail-bar').waitFor();
    await page.keyboard.press('KeyR');
    await text(page).waitFor();
    expect(await text(page).inputValue()).toBe('\n\nМарко Дуб\nБюро перекладів');
    await page.keyboard.type('Вітаю.');
    expect(await text(page).inputValue()).toBe('Вітаю.\n\nМарко Дуб\nБюро перекладів');
  });

  test('that is being written keeps its addresses when a letter is hit by mistake', async () => {
    const page = await mail();
    await page.keyboard.press('KeyR');
    await text(page).fill('Лише йому.');
    await page.getByTestId('mail-discard').focus();
    await page.keyboard.press('KeyA');
    await text(page).and(page.locator(':focus')).waitFor();
    expect(await addresses(page)).toEqual(['lozovyi@example.org']);
    await page.keyboard.press('Escape');
    await page.getByTestId('thread').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('KeyA');
    await expect.poll(async () => (await addresses(page)).length).toBe(2);
    expect(await text(page).inputValue()).toBe('Лише йому.');
  });

  test('Enter alone sends where that is wanted', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.keyboard.press('KeyR');
    await page.getByTestId('mail-enter-sends').check();
    await text(page).fill('Так.');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.press('Enter');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    expect(await calls(page, 'sendMail')).toBe(1);
  });

  test('what is quoted can be looked at and left out', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply').click();
    await text(page).fill('Коротко.');
    await page.getByTestId('mail-composer').getByText('Попередній текст').click();
    await page.getByTestId('mail-quote').waitFor();
    await page.getByTestId('mail-quotes').uncheck();
    await page.getByTestId('mail-send').click();
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    expect((await sent(page))[0]?.quotes).toBe(false);
  });
});

describe('addresses', () => {
  test('become chips by comma, Enter and leaving; wrong ones are marked, Backspace takes the last', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply').click();
    await page.getByTestId('mail-show-cc').click();
    await page.getByTestId('mail-cc').and(page.locator(':focus')).waitFor();
    await page.keyboard.type('a@example.org, ');
    await page.keyboard.type('не адреса');
    await page.keyboard.press('Enter');
    await page.getByTestId('mail-address').getByText('не адреса').waitFor();
    expect(await page.getByTestId('mail-cc').getAttribute('aria-invalid')).toBe('true');
    await text(page).fill('Вітаю');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-problem').getByText('це не адреса пошти').waitFor();
    await page.getByTestId('mail-cc').and(page.locator(':focus')).waitFor();
    expect(await calls(page, 'sendMail')).toBe(0);
    await page.keyboard.press('Backspace');
    expect(await page.getByTestId('mail-cc').getAttribute('aria-invalid')).toBe('false');
    await page.getByTestId('mail-show-bcc').click();
    await page.keyboard.type('b@example.org');
    await text(page).focus();
    await page.getByTestId('mail-address').getByText('b@example.org').waitFor();
    await page.getByRole('button', { name: 'Прибрати a@example.org' }).click();
    expect(await addresses(page)).toHaveLength(2);
  });

  test('somebody must be named', async () => {
    const page = await mail();
    await page.getByTestId('mail-reply').click();
    await page.getByTestId('mail-to').focus();
    await page.keyboard.press('Backspace');
    await text(page).fill('Кому?');
    await page.getByTestId('mail-send').click();
    await page.getByTestId('mail-problem').getByText('Впишіть, кому').waitFor();
    await page.getByTestId('mail-to').and(page.locator(':focus')).waitFor();
  });
});

describe('files', () => {
  test('are picked, dropped and pasted, go up in pieces, and can be taken out', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply').click();
    await page.getByTestId('mail-attach').setInputFiles([{ name: 'великий.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc((5 << 19) + 7) }, { name: 'порожній.txt', mimeType: 'text/plain', buffer: Buffer.alloc(0) }]);
    await page.getByTestId('mail-file').nth(1).waitFor();
    expect(await calls(page, 'attachPiece')).toBe(3);
    await hand(page, 'drop', 'кинутий.txt');
    await hand(page, 'paste', 'вставлений.txt');
    await page.getByTestId('mail-file').nth(3).waitFor();
    await page.getByRole('button', { name: 'Прибрати порожній.txt' }).click();
    await text(page).fill('Дивіться у вкладенні.');
    await page.getByTestId('mail-send').click();
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    expect((await sent(page))[0]?.files.map((file) => [file.name, file.size])).toEqual([['великий.bin', (5 << 19) + 7], ['кинутий.txt', 10], ['вставлений.txt', 10]]);
  });

  test('are waited for also when somebody goes away and comes back, and the mail goes once', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply').click();
    await text(page).fill('Файл іде.');
    await page.getByTestId('mail-attach').setInputFiles({ name: 'повільно.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(4 << 20) });
    await page.keyboard.press('Control+Enter');
    await row(page, 3).click();
    await page.getByTestId('mail-bar').waitFor();
    await row(page, 0).click();
    await page.getByTestId('mail-send').getByText('Чекаємо на файли').waitFor();
    await page.getByTestId('mail-send').click();
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    await page.getByTestId('message').last().getByText('Файл іде.').waitFor();
    expect([(await sent(page)).map((form) => form.files.length), await calls(page, 'sendMail')]).toEqual([[1], 1]);
  });

  test('are waited for, can be given up, and one that failed keeps the mail here', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply').click();
    await text(page).fill('Файл іде.');
    await page.getByTestId('mail-attach').setInputFiles({ name: 'повільно.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(3 << 20) });
    await page.getByTestId('mail-upload').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-send').getByText('Чекаємо на файли').waitFor();
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    expect((await sent(page))[0]?.files).toHaveLength(1);
    await page.keyboard.press('KeyR');
    await text(page).fill('Ще один.');
    await page.getByTestId('mail-attach').setInputFiles({ name: 'повільно 2.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(3 << 20) });
    await page.getByTestId('mail-upload-stop').click();
    await page.getByTestId('mail-upload').waitFor({ state: 'detached' });
    await page.evaluate(() => window.bureau.fail('attachEnd', true));
    await page.getByTestId('mail-attach').setInputFiles({ name: 'збій.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(9) });
    await page.getByTestId('mail-upload-again').waitFor();
    await page.getByTestId('mail-upload').getByTestId('what-is-this').waitFor();
    await page.getByTestId('mail-send').click();
    await page.getByTestId('mail-problem').getByText('Не всі файли додано').waitFor();
    expect(await calls(page, 'sendMail')).toBe(1);
    await page.evaluate(() => window.bureau.fail('attachEnd', false));
    await page.getByTestId('mail-upload-again').click();
    await page.getByTestId('mail-file').waitFor();
  });
});

describe('before sending', () => {
  test('what was overlooked is said once and holds nothing back', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply').click();
    await text(page).fill('Розрахунок у вкладенні.');
    await page.getByTestId('mail-subject').fill('');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-warning').getByText('файлу немає').waitFor();
    await page.getByTestId('mail-warning').getByText('Немає теми').waitFor();
    expect(await calls(page, 'sendMail')).toBe(0);
    await page.getByTestId('mail-back').click();
    await text(page).and(page.locator(':focus')).waitFor();
    await page.getByTestId('mail-to').focus();
    await page.keyboard.type('new@example.org,');
    await text(page).focus();
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-warning').getByText('new@example.org').waitFor();
    await page.getByTestId('mail-send-anyway').click();
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    expect(await calls(page, 'sendMail')).toBe(1);
  });

  test('a mail larger than what its server takes is told before it is sent', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply').click();
    await text(page).fill('Ось переклад.');
    await page.getByTestId('mail-attach').setInputFiles({ name: 'скани.zip', mimeType: 'application/zip', buffer: Buffer.alloc(12_000_000) });
    await page.getByTestId('mail-file').waitFor();
    await page.getByTestId('mail-upload').waitFor({ state: 'detached' });
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-warning').getByText('сервер приймає щонайбільше 10 МБ').waitFor();
    expect(await calls(page, 'sendMail')).toBe(0);
  });

  test('pressing send again sends too', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply').click();
    await text(page).fill('У вкладенні.');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-warning').waitFor();
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    expect(await calls(page, 'checkMail')).toBe(1);
  });

  test('a failure loses nothing', async () => {
    const page = await mail();
    await page.getByTestId('mail-reply').click();
    await text(page).fill('Важливе.');
    await page.evaluate(() => window.bureau.fail('sendMail', true));
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-problem').getByText('усе лишилося тут').waitFor();
    expect(await text(page).inputValue()).toBe('Важливе.');
    await page.getByTestId('mail-problem').getByTestId('what-is-this').click();
    await page.locator('[data-testid="help"] .asked').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('help').waitFor({ state: 'detached' });
    await page.evaluate(() => window.bureau.fail('sendMail', false));
    await text(page).press('Control+Enter');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
  });
});

describe('what was sent', () => {
  test('comes back whole by Undo, wherever somebody has gone', async () => {
    const page = await mail({ query: 'undo=10' });
    await page.getByTestId('mail-reply-all').click();
    await page.getByTestId('mail-attach').setInputFiles({ name: 'угода.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(40) });
    await page.getByTestId('mail-file').waitFor();
    await text(page).fill('Надсилаю угоду.');
    await page.getByTestId('mail-quotes').uncheck();
    const before = await addresses(page);
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-undo').waitFor();
    await page.getByTestId('nav-accounts').click();
    await page.getByTestId('mail-undo').click();
    await text(page).waitFor();
    expect(await text(page).inputValue()).toBe('Надсилаю угоду.');
    expect(await addresses(page)).toEqual(before);
    expect(await page.getByTestId('mail-quotes').isChecked()).toBe(false);
    expect(await page.getByTestId('mail-file').count()).toBe(1);
    expect(await page.getByTestId('outgoing-mail').count()).toBe(0);
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-undo').waitFor();
    await page.keyboard.press('KeyZ');
    await text(page).waitFor();
  });

  test('later goes out later, and is taken back from the thread', async () => {
    const page = await mail();
    await page.getByTestId('mail-reply').click();
    await text(page).fill('Нагадую про оплату.');
    await page.getByTestId('mail-later').click();
    await page.getByTestId('later-tomorrow').click();
    await outgoing(page, 'waiting').getByText('Заплановано на завтра, 09:00').waitFor();
    expect((await sent(page))[0]?.sendAt).toBe('2026-11-23T07:00:00.000Z');
    await page.getByTestId('outgoing-take-back').click();
    await text(page).and(page.locator(':focus')).waitFor();
    expect(await text(page).inputValue()).toBe('Нагадую про оплату.');
    await page.getByTestId('mail-later').click();
    await page.getByTestId('later-choose').click();
    await page.getByTestId('mail-later-day').selectOption('3');
    await page.getByTestId('mail-later-time').selectOption('14:30');
    await page.getByTestId('mail-later-set').click();
    await outgoing(page, 'waiting').waitFor();
    expect((await sent(page))[1]?.sendAt).toBe('2026-11-25T12:30:00.000Z');
  });

  test.each([
    ['відмова', 'failed', '554 5.7.1 Message rejected as spam'],
    ['частково', 'failed', 'User unknown'],
    ['невідомо', 'uncertain', 'after the final dot'],
    ['згодом', 'waiting', '451 4.7.1 Greylisted'],
  ])('with the word %s is %s, with the server’s words', async (word, state, words) => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply-all').click();
    await text(page).fill(`Це ${word}.`);
    await page.keyboard.press('Control+Enter');
    const card = outgoing(page, state);
    await card.getByText(words).waitFor();
    if (word === 'частково') {
      await card.getByText('Решта адресатів лист отримала').waitFor();
      await card.getByTestId('outgoing-take-back').click();
      await text(page).waitFor();
      expect(await addresses(page), 'only those who do not have it').toEqual(['lozovyi@example.org']);
    } else if (word === 'невідомо') {
      await card.getByTestId('outgoing-retry').click();
      await page.getByTestId('outgoing-dialog').getByText('двічі').waitFor();
      await page.keyboard.press('Escape');
      await card.getByTestId('outgoing-confirm').click();
      await page.getByTestId('message').last().getByText('Це невідомо.').waitFor();
    } else if (word === 'відмова') {
      await page.getByTestId('conversation-stuck').first().waitFor();
      await card.getByTestId('outgoing-retry').click();
      await page.getByTestId('message').last().getByText('Це відмова.').waitFor();
    } else {
      await card.getByTestId('outgoing-take-back').click();
      await text(page).waitFor();
    }
    expect(await page.getByTestId('outgoing-mail').count()).toBe(0);
  });

  test('and refused can be removed for good, once agreed', async () => {
    const page = await mail({ query: 'undo=0' });
    await page.getByTestId('mail-reply').click();
    await text(page).fill('відмова');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('outgoing-discard').click();
    await page.getByTestId('outgoing-agree').click();
    await page.getByTestId('outgoing-mail').waitFor({ state: 'detached' });
  });

  test('stands in the outbox of the sidebar for as long as it is not sent', async () => {
    const page = await mail({ query: 'undo=0' });
    expect(await page.getByTestId('nav-outbox').count()).toBe(0);
    await page.getByTestId('mail-reply').click();
    await text(page).fill('відмова');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('nav-outbox').getByText('1').waitFor();
    await page.getByTestId('nav-outbox').click();
    await page.getByTestId('outbox').getByTestId('outbox-open').waitFor();
    await page.screenshot({ path: `${pictures}outbox-1440.png` });
    await page.getByTestId('outgoing-retry').click();
    await page.getByTestId('outbox').getByText('Усе надіслано').waitFor();
    await page.getByTestId('nav-inbox').click();
    await page.getByTestId('nav-outbox').waitFor({ state: 'detached' });
  });
});

describe('a draft', () => {
  test('outlives the window to the letter, is marked in the list, and is gone once sent', async () => {
    const page = await mail({ query: 'undo=0' });
    const id = (await row(page, 0).getAttribute('data-id')) ?? '';
    const marked = page.locator(`[data-testid="conversation-row"][data-id="${id}"]`).getByTestId('conversation-draft');
    await page.getByTestId('mail-reply').click();
    await text(page).waitFor();
    expect(await marked.count(), 'nothing typed is no draft').toBe(0);
    const words = 'Чернетка «в лапках»\n\tз табуляцією, 😀 і  двома пробілами \n';
    await text(page).fill(words);
    await page.getByTestId('mail-cc').count();
    await marked.waitFor();
    await page.waitForFunction(() => (window.bureau.calls['saveDraft'] ?? 0) > 0);
    await page.reload();
    await marked.waitFor();
    await row(page, 0).click();
    await text(page).waitFor();
    expect(await text(page).inputValue()).toBe(words);
    await page.getByTestId('mail-fold').click();
    await page.getByTestId('mail-continue').click();
    await text(page).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    await page.waitForFunction(() => (window.bureau.calls['sendMail'] ?? 0) === 1);
    expect(await marked.count()).toBe(0);
    await page.reload();
    await row(page, 0).waitFor();
    await page.waitForFunction(() => (window.bureau.calls['drafts'] ?? 0) > 0);
    await drawn(page);
    expect(await page.getByTestId('conversation-draft').count()).toBe(0);
  });

  test('of a chat outlives the window, too', async () => {
    const page = await open({ query: 'telegram' });
    const chat = page.locator('[data-testid="conversation-row"][data-id="t0"]');
    await page.getByTestId('filter-telegram').click();
    await chat.click();
    await page.getByTestId('compose-text').fill('Напишу згодом');
    await page.getByTestId('composer').getByText('Чернетку збережено').waitFor();
    await page.waitForFunction(() => (window.bureau.calls['saveDraft'] ?? 0) > 0);
    await page.reload();
    await page.getByTestId('filter-telegram').click();
    await chat.getByTestId('conversation-draft').waitFor();
    await chat.click();
    await page.waitForFunction(() => (document.querySelector('[data-testid="compose-text"]') as HTMLTextAreaElement | null)?.value === 'Напишу згодом');
  });

  test('that is removed can be had back for a moment', async () => {
    const page = await mail();
    await page.getByTestId('mail-reply').click();
    await text(page).fill('Передумала.');
    await page.getByTestId('mail-discard').click();
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    await page.getByTestId('draft-undo').click();
    await text(page).waitFor();
    expect(await text(page).inputValue()).toBe('Передумала.');
  });

  test('that cannot be stored says so and is tried again', async () => {
    const page = await mail();
    await page.getByTestId('mail-reply').click();
    await page.evaluate(() => window.bureau.fail('saveDraft', true));
    await text(page).fill('Без бази.');
    await page.getByTestId('mail-kept').getByText('не збережено').waitFor();
    await page.evaluate(() => window.bureau.fail('saveDraft', false));
    await page.getByTestId('mail-kept').getByText('Чернетку збережено').waitFor({ timeout: 10_000 });
  });
});

describe('a new mail', () => {
  test('is written by keyboard alone, from the mailbox that is chosen', async () => {
    const page = await open({ query: 'undo=0' });
    await row(page, 0).waitFor();
    await page.keyboard.press('KeyC');
    await page.getByTestId('mail-to').and(page.locator(':focus')).waitFor();
    await page.getByTestId('mail-account').selectOption('acc-kyiv');
    await page.waitForFunction(() => (document.querySelector('[data-testid="mail-text"]') as HTMLTextAreaElement | null)?.value.includes('Марко Дуб'));
    await page.getByTestId('mail-to').focus();
    await page.keyboard.type('petro@example.org,');
    await page.getByTestId('mail-subject').fill('Пропозиція');
    await page.screenshot({ path: `${pictures}new-mail-1440.png` });
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('new-mail').waitFor({ state: 'detached' });
    expect((await sent(page))[0]).toMatchObject({ to: [{ address: 'petro@example.org' }], subject: 'Пропозиція', answers: null });
  });

  test('that is closed stays a draft and is gone on with', async () => {
    const page = await open();
    await row(page, 0).waitFor();
    await page.getByTestId('compose-new').click();
    await page.getByTestId('mail-to').fill('a@example.org');
    await text(page).fill('Почато.');
    await page.getByTestId('mail-subject').fill('Тема');
    await page.keyboard.press('Escape');
    await page.getByTestId('new-mail').waitFor({ state: 'detached' });
    await page.getByTestId('compose-drafts').getByText('1 чернетка').waitFor();
    await page.waitForFunction(() => (window.bureau.calls['saveDraft'] ?? 0) > 0);
    await page.reload();
    await page.getByTestId('compose-drafts').waitFor();
    await page.getByTestId('compose-new').click();
    await text(page).waitFor();
    expect(await text(page).inputValue()).toBe('Почато.');
    expect(await addresses(page)).toEqual(['a@example.org']);
    await page.getByTestId('mail-later').click();
    await page.getByTestId('later-hour').click();
    await page.getByTestId('new-mail').waitFor({ state: 'detached' });
    await page.getByTestId('toast').getByText('Заплановано').waitFor();
    await page.getByTestId('mail-undo').click();
    await page.getByTestId('new-mail').waitFor();
    expect(await text(page).inputValue()).toBe('Почато.');
  });

  test('that nothing was typed in leaves nothing', async () => {
    const page = await open();
    await row(page, 0).waitFor();
    await page.keyboard.press('KeyC');
    await page.getByTestId('new-mail').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('new-mail').waitFor({ state: 'detached' });
    await page.waitForTimeout(600);
    expect(await calls(page, 'saveDraft')).toBe(0);
  });
});

test('how long sending can be undone, and how mails are signed, is chosen', async () => {
  const page = await open();
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('undo-select').selectOption('30');
  await page.getByTestId('nav-accounts').click();
  await page.locator('[data-id="acc-zam"]').getByTestId('account-more').click();
  await page.getByTestId('sender-name').fill('Бюро');
  await page.getByTestId('signature').fill('З повагою');
  await page.getByTestId('letterhead-save').click();
  await page.getByTestId('toast').getByText('Підпис збережено').waitFor();
  await page.getByTestId('nav-inbox').click();
  await row(page, 0).click();
  await page.getByTestId('mail-reply').click();
  await text(page).waitFor();
  expect(await text(page).inputValue()).toBe('\n\nЗ повагою');
  await page.keyboard.type('Вітаю');
  await page.keyboard.press('Control+Enter');
  await page.getByTestId('toast').getByText(/ще (30|29) с/).first().waitFor();
});
