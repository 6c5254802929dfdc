import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { type Opening, drawn, faults, pictures, useBrowser } from './browser';

const { open } = useBrowser();

async function chat(opening: Opening = {}): Promise<Page> {
  const page = await open({ ...opening, width: 1440, query: ['telegram', opening.query].filter(Boolean).join('&') });
  await page.getByTestId('filter-telegram').click();
  await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
  await page.getByTestId('message').first().waitFor();
  if (opening.width) await page.setViewportSize({ width: opening.width, height: opening.height ?? 900 });
  await page.getByTestId('compose-text').click();
  return page;
}

/** Waits until so many milliseconds were recorded. */
const recorded = (page: Page, time: string) => page.getByTestId('recording-time').getByText(time, { exact: true }).waitFor();
const calls = (page: Page, command: string) => page.evaluate((name) => window.bureau.calls[name] ?? 0, command);

test('a voice is recorded by key, listened to, and sent as one, with its length and loudness', async () => {
  const page = await chat();
  await page.keyboard.press('Control+Shift+KeyG');
  await recorded(page, '0:02');
  expect(await page.getByTestId('chat-record').getAttribute('aria-label')).toBe('Закінчити запис');
  await page.getByTestId('recording').locator('.wave rect').evaluateAll((all) => {
    if (!all.some((one) => Number(one.getAttribute('height')) > 8)) throw new Error('nothing is heard');
  });
  await page.keyboard.press('Control+Shift+KeyG');
  const chip = page.getByTestId('mail-file');
  await chip.getByTestId('attached-voice-time').getByText(/^0:0[2-3]$/).waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('compose-text');
  await chip.getByTestId('attached-voice-play').click();
  await chip.getByTestId('attached-voice-time').getByText(/^0:0\d \/ 0:0[2-3]$/).waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByTestId('outgoing').getByText('Голосове повідомлення').waitFor();
  const [form] = await page.evaluate(() => window.bureau.texts);
  const voice = form?.files[0]?.voice;
  expect(voice?.durationMs).toBeGreaterThan(1400);
  expect(voice?.waveform.length).toBe(100);
  expect(Math.max(...(voice?.waveform ?? []))).toBeGreaterThan(15);
  await page.getByTestId('message').last().getByTestId('voice').waitFor();
  expect(faults.get(page)).toEqual([]);
});

test('Escape throws a recording away; sending ends it; going away keeps it in its draft', async () => {
  const page = await chat();
  await page.getByTestId('chat-record').click();
  await recorded(page, '0:01');
  await page.keyboard.press('Escape');
  await page.getByTestId('recording').waitFor({ state: 'detached' });
  await page.waitForFunction(() => window.bureau.calls['attachCancel'] === 1);
  expect(await calls(page, 'attachVoice')).toBe(0);
  await page.keyboard.type('Слухайте');
  await page.keyboard.press('Control+Shift+KeyG');
  await recorded(page, '0:01');
  await page.keyboard.press('Control+Enter');
  await page.waitForFunction(() => window.bureau.texts.length === 1);
  const [form] = await page.evaluate(() => window.bureau.texts);
  expect([form?.text, form?.files.map((file) => file.voice !== null)]).toEqual(['Слухайте', [true]]);
  await page.keyboard.press('Control+Shift+KeyG');
  await recorded(page, '0:01');
  await page.locator('[data-testid="conversation-row"][data-id="t1"]').click();
  await page.waitForFunction(() => window.bureau.calls['attachVoice'] === 2);
  await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
  await page.getByTestId('mail-file').getByTestId('attached-voice-play').waitFor();
  await page.getByTestId('mail-file').getByRole('button', { name: 'Прибрати' }).click();
  await page.getByTestId('mail-file').waitFor({ state: 'detached' });
  expect(faults.get(page)).toEqual([]);
});

test('without a microphone the window says why, and nothing is left behind', async () => {
  const page = await chat();
  const composer = page.getByTestId('composer');
  for (const [name, words] of [['NotAllowedError', 'Доступ до мікрофона заборонено'], ['NotFoundError', 'Мікрофона не знайдено'], ['NotReadableError', 'Мікрофон зайнятий']] as const) {
    await page.evaluate((why) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', why));
    }, name);
    await page.getByTestId('chat-record').click();
    await composer.getByRole('alert').getByText(words).waitFor();
    await page.getByTestId('recording').waitFor({ state: 'detached' });
  }
  await page.evaluate(() => void Reflect.deleteProperty(Navigator.prototype, 'mediaDevices'));
  await page.getByTestId('chat-record').click();
  await composer.getByRole('alert').getByText('не дає цьому вікну мікрофона').waitFor();
  expect(await calls(page, 'recordBegin')).toBe(0);
  await page.getByTestId('compose-text').fill('І далі пишемо');
  await page.keyboard.press('Control+Enter');
  await page.getByTestId('outgoing').waitFor();
  expect(faults.get(page)).toEqual([]);
});

test('a recording that cannot be kept says so', async () => {
  const page = await chat();
  await page.evaluate(() => window.bureau.fail('attachVoice', true));
  await page.keyboard.press('Control+Shift+KeyG');
  await recorded(page, '0:01');
  await page.keyboard.press('Control+Shift+KeyG');
  await page.getByTestId('composer').getByRole('alert').getByText('Записати не вдалося').waitFor();
  expect(await page.getByTestId('recording').count()).toBe(0);
});

test('what was being said when the program was killed is in its draft after the next start', async () => {
  const page = await chat({ query: 'left' });
  const chip = page.getByTestId('mail-file');
  await chip.getByTestId('attached-voice-time').getByText('0:02', { exact: true }).waitFor();
  await page.getByText('1 запис урвався').waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByTestId('outgoing').getByText('Голосове повідомлення').waitFor();
  expect([await calls(page, 'leftRecordings'), await calls(page, 'attachVoice')]).toEqual([1, 1]);
  expect(faults.get(page)).toEqual([]);
});

test('one that is thrown away while it is made what a chat plays leaves the next one alone', async () => {
  const page = await chat();
  await page.evaluate(() => window.bureau.slow('attachVoice', 600));
  await page.keyboard.press('Control+Shift+KeyG');
  await recorded(page, '0:01');
  await page.keyboard.press('Control+Shift+KeyG');
  await page.waitForFunction(() => window.bureau.calls['attachVoice'] === 1);
  await page.keyboard.press('Escape');
  await page.getByTestId('recording').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+Shift+KeyG');
  await recorded(page, '0:02');
  await page.keyboard.press('Control+Shift+KeyG');
  await page.getByTestId('mail-file').getByTestId('attached-voice-time').getByText(/^0:0[2-3]$/).waitFor();
  expect(await page.getByTestId('mail-file').count()).toBe(1);
  expect(faults.get(page)).toEqual([]);
});

test('a voice that cannot be kept when it is to be sent leaves the text where it is, with the cause', async () => {
  const page = await chat();
  await page.evaluate(() => window.bureau.fail('attachVoice', true));
  await page.keyboard.type('Слухайте');
  await page.keyboard.press('Control+Shift+KeyG');
  await recorded(page, '0:01');
  await page.keyboard.press('Control+Enter');
  await page.getByTestId('composer').getByRole('alert').getByText('Записати не вдалося').waitFor();
  expect(await page.getByTestId('compose-text').inputValue()).toBe('Слухайте');
  expect(await page.evaluate(() => window.bureau.texts.length)).toBe(0);
});

test.each([[1024, false], [1920, true]])('the recorder at %i px, dark: %s', async (width, dark) => {
  const page = await chat({ width, dark, height: 900 });
  await page.keyboard.press('Control+Shift+KeyG');
  await recorded(page, '0:01');
  await page.screenshot({ path: `${pictures}voice-recording-${width}${dark ? '-dark' : ''}.png` });
  await page.getByTestId('recording-stop').click();
  await page.getByTestId('attached-voice-play').waitFor();
  await drawn(page);
  await page.screenshot({ path: `${pictures}voice-recorded-${width}${dark ? '-dark' : ''}.png` });
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const found = await page.evaluate(async () => (await (window as unknown as { axe: { run: (root: string) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }).axe.run('[data-testid="composer"]')).violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html ?? ''}`));
  expect(found).toEqual([]);
});
