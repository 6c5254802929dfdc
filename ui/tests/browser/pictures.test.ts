import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { type Opening, drawn, faults, pictures, row, useBrowser } from './browser';

const { open } = useBrowser();
const icon = (await readFile(fileURLToPath(new URL('../../../icons/128x128.png', import.meta.url)))).toString('base64');

async function answer(opening: Opening = {}): Promise<Page> {
  const page = await open(opening);
  await row(page, 0).click();
  await page.getByTestId('mail-bar').waitFor();
  await page.getByTestId('mail-reply').click();
  await page.getByTestId('mail-text').and(page.locator(':focus')).waitFor();
  return page;
}

/** Pastes or drops pictures, as the system would. */
const hand = (page: Page, how: 'paste' | 'drop', names: string[], testid = 'mail-text') =>
  page.getByTestId(testid).evaluate(
    (node, [how, names, icon]) => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(icon), (letter) => letter.charCodeAt(0));
      for (const name of names) data.items.add(new File([bytes], name, { type: name.endsWith('.pdf') ? 'application/pdf' : 'image/png' }));
      node.dispatchEvent(how === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }) : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));
    },
    [how, names, icon] as const,
  );

const text = (page: Page) => page.getByTestId('mail-text').inputValue();
const chip = (page: Page, at: number) => page.getByTestId('mail-file').nth(at);

test('a pasted picture stands in the text, survives a reload, and goes out where it stands', async () => {
  const page = await answer();
  await page.keyboard.type('Ось печатка: **добре**');
  await hand(page, 'paste', ['image.png']);
  await chip(page, 0).getByTestId('attached-picture').waitFor();
  await page.keyboard.type('Далі');
  await hand(page, 'paste', ['image.png', 'умови.pdf']);
  await page.getByTestId('mail-file').nth(2).waitFor();
  expect((await text(page)).trim().split('\n').slice(0, 4)).toEqual(['Ось печатка: **добре**', '[зображення: image.png]', 'Далі', '[зображення: image 2.png]']);
  expect(await page.getByTestId('mail-in-text').evaluateAll((all) => all.map((one) => one.getAttribute('aria-pressed')))).toEqual(['true', 'true']);
  await page.getByTestId('mail-kept').waitFor();
  await page.waitForTimeout(600);
  await page.reload();
  await row(page, 0).click();
  await chip(page, 0).getByTestId('attached-picture').waitFor();
  await page.getByTestId('mail-text').click();
  await page.keyboard.press('Control+Enter');
  await page.waitForFunction(() => window.bureau.mails.length > 0);
  const [form] = await page.evaluate(() => window.bureau.mails);
  const named = form?.pictures.map(({ file, offset, length }) => [form.files[file]?.name, form.text.slice(offset, offset + length)]);
  expect(named).toEqual([['image.png', '[зображення: image.png]'], ['image 2.png', '[зображення: image 2.png]']]);
  expect(form?.files.map(({ name }) => name).sort()).toEqual(['image 2.png', 'image.png', 'умови.pdf']);
  expect(form?.entities.map(({ kind }) => kind)).toEqual(['bold']);
  expect(faults.get(page)).toEqual([]);
});

test('a picture is moved out of the text and back, and taken away with its words', async () => {
  const page = await answer();
  const before = await text(page);
  await page.keyboard.type('Рядок');
  await hand(page, 'drop', ['__план__ [1].png']);
  await chip(page, 0).getByTestId('attached-picture').waitFor();
  const words = '[зображення: __план__ [1].png]';
  expect(await text(page)).toContain(`Рядок\n${words}\n`);
  await page.getByTestId('mail-in-text').click();
  expect(await text(page)).not.toContain('зображення');
  expect(await page.getByTestId('mail-in-text').getAttribute('aria-pressed')).toBe('false');
  await page.getByTestId('mail-in-text').click();
  expect(await text(page)).toContain(words);
  // Marks of the name are its own.
  await page.getByTestId('mail-text').click();
  await page.keyboard.press('Control+Enter');
  await page.waitForFunction(() => window.bureau.mails.length > 0);
  const [form] = await page.evaluate(() => window.bureau.mails);
  expect([form?.pictures.length, form?.entities, form?.text.includes(words)]).toEqual([1, [], true]);
  await page.getByTestId('mail-undo').click();
  await page.getByTestId('mail-file').waitFor();
  await page.getByRole('button', { name: 'Прибрати __план__ [1].png' }).click();
  await page.getByTestId('mail-file').waitFor({ state: 'detached' });
  expect((await text(page)).trim()).toBe(`Рядок\n${before}`.trim());
  // What is dropped beside the text is attached.
  await hand(page, 'drop', ['скан.png'], 'mail-subject');
  await chip(page, 0).waitFor();
  expect(await text(page)).not.toContain('скан');
});

test.each([[1024, true], [1920, false]])('pictures in the text at %i px, dark: %s', async (width, dark) => {
  const page = await answer({ width, dark, height: 900 });
  await page.keyboard.type('Доброго дня! Місце для печатки позначено на знімку.\n');
  await hand(page, 'paste', ['image.png']);
  await page.getByTestId('mail-attach').setInputFiles({ name: 'Свідоцтво про народження, сторінка 2.png', mimeType: 'image/png', buffer: Buffer.from(icon, 'base64') });
  await page.getByTestId('attached-picture').nth(1).waitFor();
  await drawn(page);
  await page.screenshot({ path: `${pictures}mail-pictures-${width}${dark ? '-dark' : ''}.png` });
});
