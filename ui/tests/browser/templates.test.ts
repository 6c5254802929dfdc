import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { type Opening, faults, row, useBrowser } from './browser';

const { open } = useBrowser();

const chatText = (page: Page) => page.getByTestId('compose-text');
const mailText = (page: Page) => page.getByTestId('mail-text');
const calls = (page: Page, name: string) => page.evaluate((command) => window.bureau.calls[command] ?? 0, name);

async function chat(more = 'me=Ірина Коваль', opening: Opening = {}): Promise<Page> {
  const page = await open({ query: `telegram&conversations=12&${more}`, ...opening });
  await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
  await page.getByTestId('composer').waitFor();
  return page;
}

async function answering(more = 'me=Ірина Коваль'): Promise<Page> {
  const page = await open({ query: `undo=0&${more}` });
  await row(page, 0).click();
  await page.getByTestId('mail-bar').waitFor();
  await page.getByTestId('mail-reply').click();
  await mailText(page).and(page.locator(':focus')).waitFor();
  return page;
}

async function settings(opening: Opening = {}): Promise<Page> {
  const page = await open(opening);
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('template-row').first().waitFor();
  return page;
}

const greeting = 'Добрий день, Олена Вербицька!\nДякуємо за звернення до «Київ, чат».\nІрина Коваль';

describe('in a chat', () => {
  test('a template is found by key and typed words, filled in where the caret was, kept as a draft and taken back', async () => {
    const page = await chat();
    await chatText(page).fill('Початок. Кінець.');
    await chatText(page).evaluate((node) => (node as HTMLTextAreaElement).setSelectionRange(9, 9));
    await page.keyboard.press('Control+Shift+KeyT');
    await page.getByTestId('template-find').and(page.locator(':focus')).waitFor();
    await page.keyboard.type('дійти');
    await page.getByTestId('template-find-option').getByText('Як до нас дійти').waitFor();
    expect(await page.getByTestId('template-find-option').count()).toBe(1);
    await page.keyboard.press('Enter');
    await chatText(page).and(page.locator(':focus')).waitFor();
    expect(await chatText(page).inputValue()).toBe('Початок. Ми на вулиці Прикладній, 1, вхід із двору, другий поверх.Кінець.');
    await page.waitForFunction(() => (sessionStorage.getItem('bureau.drafts') ?? '').includes('Прикладній'));
    await page.keyboard.press('Control+KeyZ');
    expect(await chatText(page).inputValue()).toBe('Початок. Кінець.');
    expect(faults.get(page)).toEqual([]);
  });

  test('by button and arrows; Escape leaves the field as it was', async () => {
    const page = await chat();
    await chatText(page).fill('Так.');
    await page.getByTestId('template-button').click();
    await page.getByTestId('template-find').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Escape');
    await chatText(page).and(page.locator(':focus')).waitFor();
    expect(await chatText(page).inputValue()).toBe('Так.');
    await chatText(page).fill('');
    await page.getByTestId('template-button').click();
    await page.getByTestId('template-find').and(page.locator(':focus')).waitFor();
    await page.getByTestId('template-find-option').first().waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await chatText(page).and(page.locator(':focus')).waitFor();
    expect(await chatText(page).inputValue()).toBe(greeting);
  });

  test.each(['Space', 'Enter', 'Tab'])('a shortcut and %s become the text, which one undo takes back; nothing is sent', async (key) => {
    const page = await chat();
    await page.getByTestId('enter-sends').check();
    await chatText(page).focus();
    await page.keyboard.type('Так! /Вітаю');
    await page.keyboard.press(key);
    expect(await chatText(page).inputValue()).toBe(`Так! ${greeting}`);
    await page.keyboard.press('Control+KeyZ');
    expect(await chatText(page).inputValue()).toBe('Так! /Вітаю');
    expect(await calls(page, 'sendText')).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('compose-text');
  });

  test('a shortcut that another desktop made meanwhile is known', async () => {
    const page = await chat();
    await chatText(page).focus();
    await page.evaluate(() => window.bureau.template({ id: crypto.randomUUID(), name: 'Чужий', shortcut: 'чужий', body: 'Чужий текст' }));
    await page.keyboard.type('/чужий', { delay: 10 });
    await page.keyboard.press('Tab');
    expect(await chatText(page).inputValue()).toBe('Чужий текст');
  });

  test('what only looks like a shortcut is typed as it is', async () => {
    const page = await chat();
    await chatText(page).focus();
    await page.keyboard.type('і/вітаю /нема так');
    expect(await chatText(page).inputValue()).toBe('і/вітаю /нема так');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).not.toBe('compose-text');
  });

  test('what could not be filled in is warned of once; other braces are not', async () => {
    const page = await chat('nobody');
    await chatText(page).focus();
    await page.keyboard.type('/вітаю ');
    expect(await chatText(page).inputValue()).toBe(greeting.replace('Ірина Коваль', '{manager}'));
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('compose-warning').getByText('{manager}').waitFor();
    await page.getByTestId('compose-back').click();
    await chatText(page).and(page.locator(':focus')).waitFor();
    expect(await calls(page, 'sendText')).toBe(0);
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('compose-send-anyway').click();
    await page.waitForFunction(() => window.bureau.calls['sendText'] === 1);
    await chatText(page).fill('Разом {сума}');
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction(() => window.bureau.calls['sendText'] === 2);
  });
});

describe('in a mail', () => {
  test('a template is chosen by button and by shortcut, with the one who is written to', async () => {
    const page = await answering();
    await page.keyboard.type('/вітаю ');
    expect(await mailText(page).inputValue()).toBe('Добрий день, ТОВ «Приклад-Буд»!\nДякуємо за звернення до «Замовлення».\nІрина Коваль');
    await page.keyboard.press('Control+KeyZ');
    expect(await mailText(page).inputValue()).toBe('/вітаю');
    await mailText(page).fill('');
    await page.getByTestId('template-button').click();
    await page.getByTestId('template-find').fill('ціна');
    await page.getByTestId('template-find-option').click();
    await mailText(page).and(page.locator(':focus')).waitFor();
    expect(await mailText(page).inputValue()).toBe('Сторінка перекладу (українська) коштує 300 грн за 1 800 знаків із пропусками.');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    expect((await page.evaluate(() => window.bureau.mails))[0]?.text).toContain('300 грн');
    expect(faults.get(page)).toEqual([]);
  });

  test('what could not be filled in is warned of beside the rest, once', async () => {
    const page = await answering('nobody');
    await page.keyboard.type('/вітаю ');
    await page.getByTestId('mail-subject').fill('');
    await mailText(page).focus();
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-warning').getByText('Немає теми. У тексті лишилося незаповнене: {manager}.').waitFor();
    expect(await calls(page, 'sendMail')).toBe(0);
    await page.getByTestId('mail-send-anyway').click();
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
    expect(await calls(page, 'sendMail')).toBe(1);
  });

  test('in a new mail the menu lies over the dialog, and Escape closes only the menu', async () => {
    const page = await open({ query: 'me=Ірина Коваль' });
    await row(page, 0).waitFor();
    await page.keyboard.press('KeyC');
    await page.getByTestId('new-mail').waitFor();
    await mailText(page).focus();
    await page.keyboard.press('Control+Shift+KeyT');
    await page.getByTestId('template-find').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('template-find').waitFor({ state: 'detached' });
    await mailText(page).and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Control+Shift+KeyT');
    await page.getByTestId('template-find').fill('дійти');
    await page.keyboard.press('Enter');
    await mailText(page).and(page.locator(':focus')).waitFor();
    expect(await mailText(page).inputValue()).toContain('Прикладній');
    await page.keyboard.press('Control+Shift+KeyT');
    await page.getByTestId('template-settings').click();
    await page.getByTestId('template-add').waitFor();
    expect(await page.getByTestId('new-mail').count()).toBe(0);
  });
});

describe('in the settings', () => {
  test('a template is added with a variable, found in a chat, changed and removed with undo', async () => {
    const page = await settings({ query: 'telegram&conversations=12' });
    await page.getByTestId('template-add').click();
    await page.getByTestId('template-name').and(page.locator(':focus')).waitFor();
    await page.keyboard.type('Аванс');
    await page.getByTestId('template-shortcut').fill('/Аванс');
    await page.getByTestId('template-body').fill('Аванс 50 %, ');
    await page.getByTestId('template-variable-name').click();
    expect(await page.getByTestId('template-body').inputValue()).toBe('Аванс 50 %, {name}');
    await page.keyboard.press('Control+Enter');
    const added = page.getByTestId('template-row').filter({ hasText: 'Аванс 50 %' });
    await added.getByText('/аванс').waitFor();
    await page.getByTestId('nav-inbox').click();
    await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
    await chatText(page).focus();
    await page.keyboard.type('/аванс ');
    expect(await chatText(page).inputValue()).toBe('Аванс 50 %, Олена Вербицька');
    await page.getByTestId('nav-settings').click();
    await added.getByTestId('template-edit').click();
    await page.getByTestId('template-name').fill('Передплата');
    await page.keyboard.press('Enter');
    await page.getByTestId('template-row').filter({ hasText: 'Передплата' }).getByTestId('template-edit').and(page.locator(':focus')).waitFor();
    await added.getByTestId('template-remove').click();
    await added.waitFor({ state: 'detached' });
    await page.getByTestId('template-undo').click();
    await added.getByText('Передплата').waitFor();
    expect(faults.get(page)).toEqual([]);
  });

  test('what is wrong is said at its field, and the first of them has the keys', async () => {
    const page = await settings();
    await page.getByTestId('template-add').click();
    await page.getByTestId('template-save').click();
    await page.getByText('Потрібна назва').waitFor();
    await page.getByText('Потрібен текст').waitFor();
    await page.getByTestId('template-name').and(page.locator(':focus')).waitFor();
    await page.getByTestId('template-name').fill('Друге вітання');
    await page.getByTestId('template-body').fill('Текст');
    await page.getByTestId('template-shortcut').fill('Вітаю');
    await page.getByTestId('template-save').click();
    await page.getByText('Таке скорочення вже має інший шаблон').waitFor();
    await page.getByTestId('template-shortcut').and(page.locator(':focus')).waitFor();
    await page.getByTestId('template-shortcut').fill('два слова');
    await page.keyboard.press('Enter');
    await page.getByText('Лише літери, цифри').waitFor();
    await page.getByTestId('template-shortcut').fill('');
    await page.keyboard.press('Enter');
    await page.getByTestId('template-row').filter({ hasText: 'Друге вітання' }).waitFor();
    expect(await calls(page, 'saveTemplate')).toBe(1);
  });

  test('a shortcut that another desktop took meanwhile is refused at its field; what cannot be saved stays', async () => {
    const page = await settings();
    await page.getByTestId('template-add').click();
    await page.getByTestId('template-name').fill('Нове');
    await page.getByTestId('template-body').fill('Текст');
    await page.evaluate(() => window.bureau.fail('saveTemplate', true));
    await page.getByTestId('template-save').click();
    await page.getByTestId('toast').getByText('Шаблон не збережено').waitFor();
    expect(await page.getByTestId('template-body').inputValue()).toBe('Текст');
    await page.evaluate(() => window.bureau.fail('saveTemplate', false));
    await page.evaluate(() => window.bureau.template({ id: crypto.randomUUID(), name: 'Чужий', shortcut: 'нове', body: 'Чужий текст' }));
    await page.getByTestId('template-shortcut').fill('нове');
    await page.getByTestId('template-save').click();
    await page.getByText('Таке скорочення вже має інший шаблон').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('template-add').and(page.locator(':focus')).waitFor();
  });

  test('none at all, and none to be read, are said', async () => {
    const page = await settings();
    while ((await page.getByTestId('template-remove').count()) > 0) {
      const count = await page.getByTestId('template-remove').count();
      await page.getByTestId('template-remove').first().click();
      await page.waitForFunction((before) => document.querySelectorAll('[data-testid="template-remove"]').length < before, count);
    }
    await page.getByText('Шаблонів ще немає.').waitFor();
    await page.evaluate(() => window.bureau.fail('templates', true));
    await page.getByTestId('nav-inbox').click();
    await page.getByTestId('nav-settings').click();
    await page.getByText('Шаблони не прочитано').waitFor();
    await page.evaluate(() => window.bureau.fail('templates', false));
    await page.locator('#templates').getByRole('button', { name: 'Спробувати ще раз' }).click();
    await page.getByText('Шаблони не прочитано').waitFor({ state: 'detached' });
  });
});
