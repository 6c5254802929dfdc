import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { type Opening, drawn, faults, pictures, useBrowser } from './browser';

const { open } = useBrowser();

async function logs(opening?: Opening): Promise<Page> {
  const page = await open(opening);
  await page.getByTestId('nav-logs').click();
  await page.getByTestId('log-row').last().waitFor();
  return page;
}

const rows = (page: Page) => page.getByTestId('log-row');
const levels = (page: Page) => rows(page).evaluateAll((nodes) => [...new Set(nodes.map((node) => (node as HTMLElement).dataset['level'] ?? ''))].sort());
const areas = (page: Page) => page.locator('[data-testid="log-row"] .ar').evaluateAll((nodes) => [...new Set(nodes.map((node) => node.textContent?.trim() ?? ''))].sort());
const settled = (page: Page, wanted: () => boolean) => page.waitForFunction(wanted);

describe('filters', () => {
  test('that are ready answer what staff used to grep for', async () => {
    const page = await logs();
    await page.getByTestId('log-ready-events').click();
    await settled(page, () => [...document.querySelectorAll('[data-testid="log-row"] .ar')].every((node) => node.textContent?.trim() === 'events'));
    expect(await levels(page)).toEqual(['DEBUG', 'INFO']);
    await page.getByTestId('log-ready-errors').click();
    await settled(page, () => [...document.querySelectorAll<HTMLElement>('[data-testid="log-row"]')].every((node) => node.dataset['level'] === 'ERROR'));
    await page.locator('[data-testid="log-ready-errors"][aria-current]').waitFor();
    await page.getByTestId('log-ready-all').click();
    await settled(page, () => [...document.querySelectorAll<HTMLElement>('[data-testid="log-row"]')].some((node) => node.dataset['level'] === 'INFO'));
    expect(faults.get(page)).toEqual([]);
  });

  test('leave out what a line is, each told and taken back by itself', async () => {
    const page = await logs();
    await rows(page).last().click();
    const area = (await areas(page))[0] ?? '';
    await page.locator('[data-testid="log-row"] .ar', { hasText: area }).first().click();
    await page.getByTestId('log-detail').getByRole('button', { name: `Без area=${area}` }).click();
    await page.getByTestId('log-chip').getByText(`без area=${area}`).waitFor();
    await page.waitForFunction((gone) => [...document.querySelectorAll('[data-testid="log-row"] .ar')].every((node) => node.textContent?.trim() !== gone), area);
    await page.getByTestId('log-chip').click();
    await page.getByTestId('log-chip').waitFor({ state: 'detached' });
    await page.waitForFunction((back) => [...document.querySelectorAll('[data-testid="log-row"] .ar')].some((node) => node.textContent?.trim() === back), area);
  });

  test('are kept under names, also for the next start, and forgotten', async () => {
    const page = await logs();
    await page.getByTestId('log-text').fill('session|connection');
    await page.getByTestId('log-regex').check();
    await page.getByTestId('log-save').click();
    await page.getByTestId('log-save-name').fill('Сеанси');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid="log-saved"][aria-current]').getByText('Сеанси').waitFor();
    await page.getByTestId('log-save').waitFor({ state: 'detached' });
    await page.reload();
    await page.getByTestId('nav-logs').click();
    await page.getByTestId('log-saved').getByText('Сеанси').click();
    await settled(page, () => document.querySelectorAll('[data-testid="log-row"] mark').length > 3);
    expect(await page.getByTestId('log-text').inputValue()).toBe('session|connection');
    await page.getByRole('button', { name: 'Забути фільтр «Сеанси»' }).click();
    await page.getByTestId('log-saved').waitFor({ state: 'detached' });
  });

  test('an expression that is none says so and leaves the lines', async () => {
    const page = await logs();
    await page.getByTestId('log-regex').check();
    await page.getByTestId('log-text').fill('(session');
    await page.getByText('Цей вираз незрозумілий').waitFor();
    expect(await rows(page).count()).toBeGreaterThan(5);
    await page.getByTestId('log-text').fill('(mail|idle) (stored|renewed)');
    await page.getByText('Цей вираз незрозумілий').waitFor({ state: 'detached' });
    await settled(page, () => [...document.querySelectorAll('[data-testid="log-row"] .msg-text')].every((node) => /^\s*(Mail stored|Idle renewed)/.test(node.textContent ?? '')));
  });

  test('what is only marked hides no line', async () => {
    const page = await logs();
    await page.getByTestId('log-mark').click();
    await page.getByTestId('log-text').fill('uid=48213');
    await page.locator('[data-testid="log-row"] mark').first().waitFor();
    expect(new Set(await page.locator('[data-testid="log-row"] mark').allTextContents())).toEqual(new Set(['uid', '48213']));
    expect(await rows(page).filter({ hasNot: page.locator('mark') }).count()).toBeGreaterThan(0);
  });
});

describe('time', () => {
  test('is drawn over the list, a stretch of it chosen with the pointer and let go', async () => {
    const page = await logs();
    const picture = page.getByTestId('log-histogram').locator('svg');
    expect(await picture.getAttribute('aria-label')).toMatch(/Рядків за часом .* з них помилок/);
    expect(await picture.locator('rect.lv-i').count()).toBeGreaterThan(60);
    const box = await picture.boundingBox();
    if (!box) throw new Error('it is drawn');
    await page.mouse.move(box.x + box.width * 0.25, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 30, { steps: 4 });
    await page.mouse.up();
    await page.getByTestId('log-chip-span').waitFor();
    await page.getByTestId('log-span').getByText('вибрано').waitFor();
    expect(await page.getByTestId('log-span-select').inputValue()).toBe('chosen');
    await page.waitForFunction(() => {
      const { from, to } = window.bureau.logTimes();
      const rows = [...document.querySelectorAll<HTMLElement>('[data-testid="log-row"] .tm')].map((node) => (Date.parse(node.title.split(' · ')[1] ?? '') - from) / (to - from));
      return rows.length > 0 && rows.every((at) => at > 0.23 && at < 0.52);
    });
    await page.getByTestId('log-chip-span').click();
    await page.getByTestId('log-chip-span').waitFor({ state: 'detached' });
  });

  test('a click on it stands at that moment, and following goes back to the end', async () => {
    const page = await logs();
    const picture = page.getByTestId('log-histogram').locator('svg');
    const box = await picture.boundingBox();
    if (!box) throw new Error('it is drawn');
    await page.mouse.click(box.x + box.width * 0.5, box.y + 30);
    await page.getByTestId('log-detail').waitFor();
    const all = await page.evaluate(() => window.bureau.logTimes());
    const at = Date.parse((await page.locator('[data-testid="log-row"].sel .tm').getAttribute('title'))?.split(' · ')[1] ?? '');
    expect(Math.abs(at - (all.from + all.to) / 2)).toBeLessThan((all.to - all.from) / 100);
    await page.getByTestId('log-follow').click();
    await page.locator('[data-testid="log-follow"][aria-pressed="true"]').waitFor();
  });
});

describe('lines that come faster than they can be shown', () => {
  /** Has so many lines written ten times a second, until the answer is called. */
  async function pour(page: Page, lines: number): Promise<() => Promise<void>> {
    const timer = await page.evaluate((lines) => Number(setInterval(() => window.bureau.grow(lines), 100)), lines);
    return () => page.evaluate((timer) => clearInterval(timer), timer);
  }
  const places = (page: Page) => rows(page).evaluateAll((nodes) => nodes.map((node) => Number(node.id.replace('log-', ''))));
  const setsize = async (page: Page) => Number(await rows(page).last().getAttribute('aria-setsize'));

  test('pass: the newest are shown, and whoever pauses finds the others above, each once', async () => {
    const page = await logs();
    await page.getByTestId('log-together').uncheck();
    await page.getByTestId('log-level-debug').click();
    await settled(page, () => document.querySelector('[data-testid="log-row"] .tm') !== null);
    const before = (await places(page)).at(-1) ?? 0;
    const stop = await pour(page, 500);
    await page.getByTestId('log-passing').waitFor();
    await page.waitForFunction((after) => Number(document.querySelector('.virtual-row:last-child [data-testid="log-row"]')?.id.replace('log-', '')) > after, before + 900);
    expect(await setsize(page), 'no more rows than the screen has').toBeLessThan(100);
    await page.getByTestId('log-list').focus();
    await page.keyboard.press('KeyF');
    await page.getByTestId('log-passing').waitFor({ state: 'detached' });
    await stop();
    // What was passed over last is there without being asked for; the rest comes by scrolling.
    await page.waitForFunction(() => Number(document.querySelector('[data-testid="log-row"]')?.getAttribute('aria-setsize')) >= 300);
    const last = Math.max(...(await places(page)));
    const seen = new Set(await page.evaluate(async (before) => {
      const list = document.querySelector<HTMLElement>('[data-testid="log-list"]');
      const found = new Set<number>();
      for (;;) {
        for (const row of document.querySelectorAll('[data-testid="log-row"]')) found.add(Number(row.id.replace('log-', '')));
        if (!list || found.has(before)) return [...found];
        list.scrollTop -= list.clientHeight;
        for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);
      }
    }, before));
    for (let place = before; place <= last; place++) if (!seen.has(place)) throw new Error(`line ${place} of ${before} to ${last} was not shown`);
    expect(faults.get(page)).toEqual([]);
  });

  test('are shown again one after another once they come slowly', async () => {
    const page = await logs();
    const stop = await pour(page, 700);
    await page.getByTestId('log-passing').waitFor();
    await stop();
    await page.getByTestId('log-passing').waitFor({ state: 'detached' });
    await page.locator('[data-testid="log-follow"][aria-pressed="true"]').waitFor();
    // The list is as long as it is for whoever opens it.
    await page.getByTestId('log-together').uncheck();
    await page.waitForFunction(() => Number(document.querySelector('[data-testid="log-row"]')?.getAttribute('aria-setsize')) >= 300);
    await page.getByTestId('log-level-warn').click();
    await settled(page, () => [...document.querySelectorAll<HTMLElement>('[data-testid="log-row"]')].every((node) => ['WARN', 'ERROR'].includes(node.dataset['level'] ?? '')));
    expect(faults.get(page)).toEqual([]);
  });

  test('and are all alike are one line, of which no more is read than is kept', async () => {
    const page = await logs();
    await page.evaluate(() => window.bureau.grow(32_000));
    await page.getByTestId('log-level-debug').click();
    await page.getByTestId('log-text').fill('Heartbeat received');
    await page.getByTestId('log-times').getByText(/×3[\s,.]?000/u).waitFor();
    const asked = () => page.evaluate(() => window.bureau.calls['logPage'] ?? 0);
    await drawn(page);
    const before = await asked();
    await page.evaluate(() => window.bureau.grow(9));
    await drawn(page);
    expect(await asked()).toBe(before);
    // Who wants more turns the wheel.
    await page.getByTestId('log-list').hover();
    await page.mouse.wheel(0, -200);
    await page.waitForFunction((before) => (window.bureau.calls['logPage'] ?? 0) > before, before);
    await page.locator('[data-testid="log-follow"][aria-pressed="false"]').waitFor();
    expect(faults.get(page)).toEqual([]);
  });
});

test('whoever closes the details of a line stands at that line again, and opens it by a key', async () => {
  const page = await logs();
  const list = page.getByTestId('log-list');
  await list.focus();
  for (let up = 0; up < 3; up++) await page.keyboard.press('ArrowUp');
  const detail = page.getByTestId('log-detail');
  await detail.waitFor();
  const at = await list.getAttribute('aria-activedescendant');
  for (const close of ['click', 'Escape'] as const) {
    if (close === 'click') await detail.getByRole('button', { name: 'Закрити' }).click();
    else {
      await detail.getByTestId('log-around').focus();
      await page.keyboard.press('Escape');
    }
    await detail.waitFor({ state: 'detached' });
    await list.and(page.locator(':focus')).waitFor();
    expect(await list.getAttribute('aria-activedescendant')).toBe(at);
    expect(await page.locator('[data-testid="log-row"].sel').getAttribute('id')).toBe(at);
    await page.keyboard.press('Enter');
    await detail.waitFor();
    expect(await list.getAttribute('aria-activedescendant')).toBe(at);
  }
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowUp');
  await detail.waitFor();
  expect(await list.getAttribute('aria-activedescendant')).not.toBe(at);
});

describe('a long search', () => {
  test('tells how far it is, is stopped by hand and goes on from there', async () => {
    const page = await logs({ query: 'slowLog' });
    await page.getByTestId('log-text').fill('stored');
    await page.getByTestId('log-progress').getByText(/Переглянуто [\d,]+ із [\d,]+ млн · знайдено/).waitFor();
    expect(await rows(page).filter({ hasText: 'Idle renewed' }).count(), 'what was shown stays until there is something else').toBeGreaterThan(0);
    await page.getByTestId('log-stop').click();
    await page.getByTestId('log-stopped').waitFor();
    await settled(page, () => [...document.querySelectorAll('[data-testid="log-row"] .msg-text')].every((node) => /stored/i.test(node.textContent ?? '')));
    const found = Number(await rows(page).last().getAttribute('aria-setsize'));
    await page.getByTestId('log-search-on').click();
    await page.getByTestId('log-stopped').waitFor({ state: 'detached' });
    await page.waitForFunction((before) => Number(document.querySelector('[data-testid="log-row"]')?.getAttribute('aria-setsize')) > before, found);
    expect(faults.get(page)).toEqual([]);
  });

  test('ends when another filter is chosen', async () => {
    const page = await logs({ query: 'slowLog' });
    await page.getByTestId('log-text').fill('stored');
    await page.getByTestId('log-progress').waitFor();
    const before = await page.evaluate(() => window.bureau.calls['stopLogSearch'] ?? 0);
    await page.getByTestId('log-ready-errors').click();
    await page.getByTestId('log-progress').waitFor({ state: 'detached' });
    await settled(page, () => [...document.querySelectorAll<HTMLElement>('[data-testid="log-row"]')].every((node) => node.dataset['level'] === 'ERROR'));
    expect(await page.evaluate(() => window.bureau.calls['stopLogSearch'] ?? 0)).toBeGreaterThan(before);
    expect(await page.getByTestId('log-stopped').count()).toBe(0);
  });
});

test('lines of one kind are shown as one that opens and closes, by pointer and by key', async () => {
  const page = await logs();
  await page.getByTestId('log-ready-errors').click();
  await settled(page, () => [...document.querySelectorAll<HTMLElement>('[data-testid="log-row"]')].every((node) => node.dataset['level'] === 'ERROR'));
  const size = async () => Number(await rows(page).last().getAttribute('aria-setsize'));
  const together = await size();
  const times = page.getByTestId('log-times').last();
  const many = Number((await times.textContent())?.slice(1));
  expect(many).toBeGreaterThan(1);
  await times.click();
  await page.waitForFunction((wanted) => Number(document.querySelector('[data-testid="log-row"]')?.getAttribute('aria-setsize')) >= wanted, together + many - 1);
  await page.getByTestId('log-times').last().click();
  await page.waitForFunction((wanted) => Number(document.querySelector('[data-testid="log-row"]')?.getAttribute('aria-setsize')) <= wanted, together);
  await rows(page).filter({ has: page.getByTestId('log-times') }).last().click();
  await page.getByTestId('log-list').focus();
  await page.keyboard.press('ArrowRight');
  await page.locator('.times.on').waitFor();
  await page.keyboard.press('ArrowLeft');
  await page.locator('.times.on').waitFor({ state: 'detached' });
  await page.getByTestId('log-together').uncheck();
  await page.getByTestId('log-times').first().waitFor({ state: 'detached' });
  expect(faults.get(page)).toEqual([]);
});

test('words are marked in colours of their own, also for the next start', async () => {
  const page = await logs();
  for (const word of ['window', 'MAIL', 'stored']) {
    await page.getByTestId('log-mark-word').click();
    await page.getByTestId('log-word-text').fill(word);
    await page.keyboard.press('Enter');
  }
  await page.locator('[data-testid="log-row"] mark.word2').getByText('stored').first().waitFor();
  const colours = await page.getByTestId('log-word').locator('mark').evaluateAll((nodes) => nodes.map((node) => getComputedStyle(node).backgroundColor));
  expect(new Set(colours).size).toBe(3);
  await page.reload();
  await page.getByTestId('nav-logs').click();
  await page.locator('[data-testid="log-row"] mark.word2').getByText('stored').first().waitFor();
  await page.getByTestId('log-word').filter({ hasText: 'stored' }).click();
  await page.locator('[data-testid="log-row"] mark.word2').first().waitFor({ state: 'detached' });
  expect(await page.getByTestId('log-word').count()).toBe(2);
});

test('details are written for an hour, until when is told, and it is ended at once', async () => {
  const page = await logs();
  await page.getByTestId('log-details').click();
  await page.getByTestId('log-details-end').getByText('Деталі до').waitFor();
  await page.getByTestId('log-details-end').click();
  await page.getByTestId('log-details').waitFor();
});

describe('from line to line', () => {
  test('E goes to the next error, and around it stands what was written then', async () => {
    const page = await logs();
    await page.keyboard.press('KeyE');
    await page.locator('[data-testid="log-row"].sel[data-level="ERROR"]').waitFor();
    const first = await page.locator('[data-testid="log-row"].sel').getAttribute('id');
    await page.keyboard.press('Shift+KeyE');
    await page.waitForFunction((was) => document.querySelector('[data-testid="log-row"].sel')?.id !== was, first);
    await page.keyboard.press('KeyE');
    await page.waitForFunction((was) => document.querySelector('[data-testid="log-row"].sel')?.id === was, first);
    await page.getByTestId('log-ready-errors').click();
    await settled(page, () => [...document.querySelectorAll<HTMLElement>('[data-testid="log-row"]')].every((node) => node.dataset['level'] === 'ERROR'));
    await rows(page).nth(-3).click();
    const chosen = await page.locator('[data-testid="log-row"].sel').getAttribute('id');
    await page.getByTestId('log-around').click();
    await settled(page, () => [...document.querySelectorAll<HTMLElement>('[data-testid="log-row"]')].some((node) => node.dataset['level'] !== 'ERROR'));
    await page.locator(`[id="${chosen}"].sel`).waitFor();
    expect(faults.get(page)).toEqual([]);
  });

  test('lines are copied and saved', async () => {
    const page = await logs();
    await page.evaluate(() => {
      Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text: string) => void ((window as unknown as { copied: string }).copied = text) } });
    });
    const copied = () => page.evaluate(() => (window as unknown as { copied: string }).copied);
    await rows(page).last().click();
    await page.getByTestId('log-copy').click();
    await page.getByText('Рядок скопійовано').waitFor();
    expect(await copied()).toMatch(/^2026-11-22 \d\d:\d\d:\d\d\.\d{3} \+02:00 {2}\w+ +\w+/);
    await page.getByTestId('log-export').click();
    await page.getByTestId('log-copy-shown').click();
    const told = await page.getByText(/Скопійовано \d+ ряд/).textContent();
    expect((await copied()).split('\n')).toHaveLength(Number(/\d+/.exec(told ?? '')?.[0]));
    expect(Number(/\d+/.exec(told ?? '')?.[0])).toBeGreaterThanOrEqual(300);
    await page.getByTestId('log-export').click();
    await page.getByTestId('log-export-file').click();
    await page.getByText('Журнал збережено в /home/office').waitFor();
    expect(await page.evaluate(() => window.bureau.calls['exportLog'])).toBe(1);
  });
});

test.each([
  [1920, 1000, false],
  [1440, 900, true],
  [1024, 700, false],
] as const)('looks at %d px', async (width, height, dark) => {
  for (const language of ['uk', 'pl', 'en']) {
    const page = await logs({ width, height, dark, query: `language=${language}` });
    await page.getByTestId('log-text').fill('connection|stored');
    await page.getByTestId('log-regex').check();
    await page.getByTestId('log-mark').click();
    await page.keyboard.press('Escape');
    await page.locator('[data-testid="log-row"] mark').first().waitFor();
    await page.getByTestId('log-list').focus();
    await page.keyboard.press('ArrowUp');
    await page.getByTestId('log-detail').waitFor();
    await page.getByTestId('log-without').first().click();
    await page.getByTestId('log-chip').waitFor();
    await page.getByTestId('log-details').click();
    await page.getByTestId('log-details-end').waitFor();
    await page.evaluate(() => localStorage.removeItem('skrynka.logLook'));
    await page.getByTestId('log-mark-word').click();
    await page.getByTestId('log-word-text').fill('uid');
    await page.keyboard.press('Enter');
    await drawn(page);
    await page.screenshot({ path: `${pictures}logs-full-${width}-${language}.png` });
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    await page.close();
  }
});
