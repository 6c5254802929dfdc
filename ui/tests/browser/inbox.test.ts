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

/** The conversation under a point of the list, and where its upper edge is. */
const under = (page: Page, x: number, y: number) =>
  page.evaluate(
    ([px, py]) => {
      const found = document.elementFromPoint(px, py)?.closest<HTMLElement>('[data-testid="conversation-row"]');
      return { id: found?.dataset['id'], top: found?.getBoundingClientRect().top };
    },
    [x, y] as const,
  );

describe('a new mail', () => {
  test('appears at the top by itself and is said to be painted', async () => {
    const page = await inbox();
    const id = await page.evaluate(() => window.bureau.deliver(null, 'Свіжий лист'));
    await page.getByText('Свіжий лист').first().waitFor();
    await drawn(page);
    expect(await row(page, 0).getAttribute('data-id')).toBe(id);
    await page.waitForFunction((wanted) => window.bureau.painted.includes(wanted), id);
  });

  test('moves nothing under the pointer, and shows once the pointer has left', async () => {
    const page = await inbox();
    await page.mouse.move(400, 400);
    const before = await under(page, 400, 400);
    const ids = await page.evaluate(() => [window.bureau.deliver(2), window.bureau.deliver(300), window.bureau.deliver(null)]);
    await page.getByTestId('new-pill').waitFor();
    await drawn(page);
    expect(await under(page, 400, 400)).toEqual(before);
    await page.mouse.move(900, 400);
    await page.getByTestId('new-pill').waitFor({ state: 'detached' });
    await drawn(page);
    expect(await list(page).evaluate((node) => node.scrollTop)).toBe(0);
    const top = await page.getByTestId('conversation-row').evaluateAll((nodes) => nodes.slice(0, 3).map((node) => (node as HTMLElement).dataset['id']));
    expect(top.sort()).toEqual([...ids].sort());
  });

  test('moves nothing while somebody reads further down', async () => {
    const page = await inbox();
    await list(page).evaluate((node) => (node.scrollTop = 2000));
    await drawn(page);
    const before = await under(page, 400, 500);
    for (let i = 0; i < 5; i++) await page.evaluate((place) => window.bureau.deliver(place), i % 2 === 0 ? null : 60);
    await drawn(page);
    await page.waitForTimeout(100);
    expect((await under(page, 400, 500)).id).toBe(before.id);
    expect((await under(page, 400, 500)).top).toBe(before.top);
    expect(await page.getByTestId('new-pill').textContent()).toContain('5');
    await page.getByTestId('new-pill').click();
    await drawn(page);
    expect(await list(page).evaluate((node) => node.scrollTop)).toBe(0);
  });

  test('in the open conversation is added below, and the line stays where reading began', async () => {
    const page = await inbox();
    await row(page, 3).click();
    await page.getByTestId('message').first().waitFor();
    const count = await page.getByTestId('message').count();
    await page.mouse.move(900, 400);
    await page.evaluate(() => window.bureau.deliver(3));
    await page.waitForFunction((wanted) => document.querySelectorAll('[data-testid="message"]').length === wanted, count + 1);
    expect(await page.getByTestId('message').last().getAttribute('data-open')).toBe('true');
    await page.evaluate(() => window.bureau.deliver(0));
    await page.waitForFunction((wanted) => document.querySelectorAll('[data-testid="message"]').length === wanted, count + 2);
    const open = await page.getByTestId('message').evaluateAll((nodes) => nodes.slice(-3).map((node) => (node as HTMLElement).dataset['open']));
    expect(open, 'what is being read stays open').toEqual(['true', 'true', 'true']);
  });

  test('in the first row in view takes it away and leaves the others where they are', async () => {
    const page = await inbox();
    await list(page).evaluate((node) => (node.scrollTop = 30 * 72 + 10));
    await drawn(page);
    const before = await under(page, 400, 500);
    await page.evaluate(() => window.bureau.deliver(30));
    await page.getByTestId('new-pill').waitFor();
    await drawn(page);
    expect(await under(page, 400, 500)).toEqual(before);
  });
});

describe('by keyboard alone', () => {
  test('the inbox is worked: down, open, next unread, mark unread, search, back', async () => {
    const page = await inbox();
    await page.keyboard.press('KeyJ');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const third = (await row(page, 2).getAttribute('data-id')) ?? '';
    expect(await list(page).getAttribute('aria-activedescendant')).toContain(third);
    await page.keyboard.press('Enter');
    await page.getByTestId('message').first().waitFor();
    await rowOf(page, third).getByTestId('conversation-unread').waitFor({ state: 'detached' });
    await page.keyboard.press('KeyU');
    await rowOf(page, third).getByTestId('conversation-unread').waitFor();
    await page.keyboard.press('KeyN');
    await page.waitForFunction((old) => document.querySelector('[role="option"][aria-selected="true"]')?.getAttribute('data-id') !== old, third);
    const selected = page.locator('[role="option"][aria-selected="true"]');
    expect(await selected.getAttribute('data-id')).not.toBe(third);
    await page.keyboard.press('/');
    await page.keyboard.type('договору');
    await page.locator('mark').first().waitFor();
    await page.keyboard.press('ArrowDown');
    await page.getByTestId('search-results').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.press('Escape');
    await list(page).and(page.locator(':focus')).waitFor();
  });

  test('Enter goes into the thread, Escape comes back', async () => {
    const page = await inbox();
    await list(page).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByTestId('thread').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Escape');
    await list(page).and(page.locator(':focus')).waitFor();
  });

  test('the next unread conversation is found beyond what is loaded, and brought into view', async () => {
    const page = await inbox();
    await page.evaluate(() => window.bureau.readElsewhere(150));
    await page.waitForFunction(() => document.querySelectorAll('.row.new').length === 0);
    await page.keyboard.press('KeyN');
    const selected = page.locator('[role="option"][aria-selected="true"]');
    await selected.waitFor();
    expect(Number(await selected.getAttribute('aria-posinset'))).toBeGreaterThan(150);
    const box = await selected.boundingBox();
    expect(box && box.y > 0 && box.y + box.height <= 900).toBe(true);
  });

  test('hits are walked, and Escape in them leads back to the list', async () => {
    const page = await inbox();
    await row(page, 3).click();
    const opened = (await row(page, 3).getAttribute('data-id')) ?? '';
    await page.keyboard.press('/');
    await page.keyboard.type('договору');
    await page.keyboard.press('Enter');
    await page.getByTestId('search-results').and(page.locator(':focus')).waitFor();
    expect(await page.locator('.row.at').count()).toBe(1);
    await page.keyboard.press('Escape');
    await list(page).and(page.locator(':focus')).waitFor();
    expect(await page.getByTestId('search-input').inputValue()).toBe('');
    expect(await list(page).getAttribute('aria-activedescendant')).not.toContain('-m');
    expect(opened).not.toBe('');
  });

  test('letters work on a Ukrainian layout', async () => {
    const page = await inbox();
    await list(page).focus();
    await page.evaluate(() => document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key: 'о', code: 'KeyJ', bubbles: true, cancelable: true })));
    await page.locator('[role="option"][aria-selected="true"]').waitFor();
  });

  test('F6 walks through the parts of the window and the list keeps its row', async () => {
    const page = await inbox();
    await row(page, 1).click();
    await page.getByTestId('message').first().waitFor();
    const seen: string[] = [];
    for (let i = 0; i < 4; i++) {
      await page.keyboard.press('F6');
      seen.push(await page.evaluate(() => document.activeElement?.closest('[data-landmark]')?.getAttribute('data-landmark') ?? 'none'));
    }
    expect([...seen].sort()).toEqual(['list', 'nav', 'person', 'talk']);
    expect(await row(page, 1).getAttribute('aria-selected')).toBe('true');
  });

  test('F6 reaches a list that is empty, and the innermost part of a screen', async () => {
    const page = await open({ query: 'scenario=empty' });
    await page.getByTestId('add-mailbox').waitFor();
    const part = () => page.evaluate(() => document.activeElement?.closest('[data-landmark]')?.getAttribute('data-landmark') ?? 'none');
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      await page.keyboard.press('F6');
      seen.push(await part());
    }
    expect(seen.sort()).toEqual(['list', 'nav', 'talk']);
    await page.getByTestId('nav-logs').click();
    await page.getByTestId('log-row').nth(5).click();
    await page.getByTestId('log-detail').focus();
    await page.keyboard.press('Shift+F6');
    expect(await part()).toBe('logs');
    await page.keyboard.press('F6');
    expect(await part()).toBe('detail');
    await page.keyboard.press('F6');
    expect(await part()).toBe('nav');
  });

  test('the focus stays in the list when the row it is on moves', async () => {
    const page = await inbox();
    await list(page).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const id = (await page.locator('.row.at').getAttribute('data-id')) ?? '';
    await page.evaluate(() => window.bureau.deliver(400));
    await drawn(page);
    expect(await page.locator('.row.at').getAttribute('data-id')).toBe(id);
    expect(await list(page).evaluate((node) => node === document.activeElement)).toBe(true);
  });
});

describe('a mail', () => {
  test('is shown in a frame without any right, remote pictures only when asked for', async () => {
    const page = await inbox();
    await row(page, 0).click();
    const frame = page.getByTestId('message-frame').first();
    await frame.waitFor();
    expect(await frame.getAttribute('sandbox')).toBe('');
    expect(await frame.getAttribute('src')).not.toContain('remote');
    await page.getByTestId('show-remote').click();
    await page.locator('[data-testid="message-frame"][src*="remote"]').waitFor();
    expect(await page.getByTestId('show-remote').count()).toBe(0);
  });

  test('counts as read after a moment in view', async () => {
    const page = await inbox();
    const id = (await row(page, 1).getAttribute('data-id')) ?? '';
    await row(page, 1).click();
    await rowOf(page, id).getByTestId('conversation-unread').waitFor({ state: 'detached' });
    expect(await page.evaluate(() => window.bureau.calls['markRead'])).toBe(1);
  });

  test('is not read while another screen is in front', async () => {
    const page = await inbox();
    await row(page, 1).click();
    await page.getByTestId('nav-accounts').click();
    await page.waitForTimeout(1400);
    expect(await page.evaluate(() => window.bureau.calls['markRead'] ?? 0)).toBe(0);
    await page.getByTestId('nav-inbox').click();
    await page.waitForFunction(() => window.bureau.calls['markRead'] === 1);
  });

  test('that was read takes its mailbox’s count along', async () => {
    const page = await inbox();
    const count = page.locator('[data-testid="nav-account"][data-id="acc-waw"] .count');
    const before = Number(await count.textContent());
    await row(page, 1).click();
    await page.waitForFunction((old) => Number(document.querySelector('[data-testid="nav-account"][data-id="acc-waw"] .count')?.textContent) < old, before);
  });

  test('stays in the unread list while it is read, and leaves it afterwards', async () => {
    const page = await inbox();
    await page.getByTestId('filter-unread').click();
    await page.waitForFunction(() => [...document.querySelectorAll('[data-testid="conversation-row"]')].every((node) => node.classList.contains('new')));
    const id = (await row(page, 0).getAttribute('data-id')) ?? '';
    await row(page, 0).click();
    await page.waitForFunction(() => (window.bureau.calls['markRead'] ?? 0) > 0);
    await drawn(page);
    expect(await rowOf(page, id).count()).toBe(1);
    await row(page, 1).click();
    await page.mouse.move(900, 500);
    await rowOf(page, id).waitFor({ state: 'detached' });
  });

  test('has its files opened, saved one by one and all together', async () => {
    const page = await inbox();
    await row(page, 0).click();
    await page.getByTestId('file-open').first().click();
    await page.getByTestId('file-save').first().click();
    await page.getByTestId('toast').waitFor();
    await page.getByTestId('file-save-all').click();
    await page.waitForFunction(() => window.bureau.calls['saveAllFiles'] === 1 && window.bureau.calls['openFile'] === 1 && window.bureau.calls['saveFile'] === 1);
  });

  test('that could not be read says so and gives its original', async () => {
    const page = await inbox();
    await row(page, 11).click();
    await page.getByTestId('save-original').first().click();
    await page.waitForFunction(() => window.bureau.calls['saveOriginal'] === 1);
  });

  test('shows where a link really goes before it opens, and may be cancelled', async () => {
    const page = await inbox();
    await page.evaluate(() => window.bureau.clickLink(true));
    await page.getByTestId('link-dialog').waitFor();
    expect(await page.getByTestId('link-target').textContent()).toBe('https://xn--bnk-5cd.example.net/login?session=8f2a');
    await page.keyboard.press('Escape');
    await page.getByTestId('link-dialog').waitFor({ state: 'detached' });
    expect(await page.evaluate(() => window.bureau.calls['openLink'] ?? 0)).toBe(0);
    await page.evaluate(() => window.bureau.clickLink(false));
    await page.getByTestId('link-open').click();
    await page.waitForFunction(() => window.bureau.calls['openLink'] === 1);
  });

  test('of plain text has its links shown before anything comes of them', async () => {
    const page = await inbox();
    await page.getByTestId('search-input').fill('Реквізити: https');
    await page.getByTestId('search-results').waitFor();
    await row(page, 0).click();
    const link = page.getByTestId('text-link').first();
    if ((await link.count()) === 0) await page.getByRole('button', { name: 'Простий текст' }).first().click();
    await link.click();
    expect(await page.getByTestId('link-target').textContent()).toBe('https://example.org/rekvizyty');
    expect(await page.evaluate(() => window.bureau.calls['openLink'] ?? 0)).toBe(0);
    await page.getByTestId('link-open').click();
    await page.waitForFunction(() => window.bureau.calls['openLink'] === 1);
  });

  test('older ones come in above without what is read moving', async () => {
    const page = await inbox();
    await row(page, 5).click();
    await page.locator('.older').waitFor({ state: 'attached' });
    const scroll = page.getByTestId('thread-scroll');
    await scroll.evaluate((node) => (node.scrollTop = 0));
    const first = page.getByTestId('message').first();
    const id = await first.getAttribute('data-id');
    const before = await first.evaluate((node) => node.getBoundingClientRect().top);
    await page.locator('.older').click();
    await page.waitForFunction((old) => document.querySelector('[data-testid="message"]')?.getAttribute('data-id') !== old, id);
    await drawn(page);
    const after = await page.locator(`[data-testid="message"][data-id="${id}"]`).evaluate((node) => node.getBoundingClientRect().top);
    expect(Math.abs(after - before)).toBeLessThan(60);
  });
});

describe('the list', () => {
  test('is where it was after another screen', async () => {
    const page = await inbox();
    await list(page).evaluate((node) => (node.scrollTop = 2010));
    await drawn(page);
    await page.getByTestId('nav-settings').click();
    await page.getByTestId('language-select').waitFor();
    await page.getByTestId('nav-inbox').click();
    await row(page, 0).waitFor();
    await drawn(page);
    expect(await list(page).evaluate((node) => node.scrollTop)).toBe(2010);
  });

  test('of a chosen view ends a search', async () => {
    const page = await inbox();
    await page.getByTestId('search-input').fill('договору');
    await page.getByTestId('search-results').waitFor();
    await page.getByTestId('nav-waiting').click();
    await list(page).waitFor();
    expect(await page.getByTestId('search-input').inputValue()).toBe('');
  });

  test('shows what is unread among hits as it is now', async () => {
    const page = await inbox();
    await page.getByTestId('search-input').fill('Вербицька');
    await page.getByTestId('search-results').waitFor();
    await page.getByTestId('search-results').getByTestId('conversation-unread').first().waitFor();
    await page.evaluate(() => window.bureau.readElsewhere(400));
    await page.getByTestId('search-results').getByTestId('conversation-unread').first().waitFor({ state: 'detached' });
  });

  test('opens a hit that is older than the newest mails', async () => {
    const page = await inbox();
    await page.getByTestId('search-input').fill('Тарас Підкова');
    await page.getByTestId('search-results').waitFor();
    await row(page, 0).click();
    const mail = page.locator('[data-testid="message"][data-open="true"]').first();
    await mail.waitFor();
    await page.waitForFunction(() => document.querySelectorAll('[data-testid="message"]').length > 60);
    await drawn(page);
    await drawn(page);
    const box = await mail.boundingBox();
    expect(await mail.getAttribute('data-id')).toMatch(/-m[01]$/);
    expect(box && box.y >= 0 && box.y < 600).toBe(true);
  });

  test('that cannot be read says so, and goes on once it can', async () => {
    const page = await inbox();
    await page.evaluate(() => {
      window.bureau.fail('conversationsByKey', true);
      window.bureau.deliver(null, 'Лист під час збою');
    });
    await page.getByTestId('list-retry').waitFor();
    await page.evaluate(() => window.bureau.fail('conversationsByKey', false));
    await page.getByTestId('list-retry').click();
    await page.getByText('Лист під час збою').first().waitFor();
    await page.getByTestId('list-retry').waitFor({ state: 'detached' });
  });

  test('keeps its width when a conversation is chosen, and the person is never cut', async () => {
    const page = await inbox({ width: 1300 });
    const grid = page.locator('.inbox-grid');
    await grid.evaluate((node) => (node as HTMLElement).style.setProperty('--w-list', '480px'));
    await row(page, 1).click();
    await page.getByTestId('message').first().waitFor();
    const person = await page.locator('.person').boundingBox();
    expect(person && person.x + person.width <= 1300).toBe(true);
    const widths = await page.evaluate(
      () =>
        new Promise<number[]>((resolve) => {
          const seen: number[] = [];
          const step = () => {
            seen.push(document.querySelector('.talk')?.clientWidth ?? 0);
            if (seen.length < 20) requestAnimationFrame(step);
            else resolve(seen);
          };
          document.querySelectorAll<HTMLElement>('[data-testid="conversation-row"]')[4]?.click();
          step();
        }),
    );
    expect(new Set(widths).size).toBe(1);
  });
});

test('a click into a mail’s frame gives the keys back with the pointer', async () => {
  const page = await inbox();
  await row(page, 0).click();
  const frame = page.getByTestId('message-frame').first();
  await frame.click({ position: { x: 40, y: 40 } });
  expect(await frame.evaluate((node) => node === document.activeElement)).toBe(true);
  // A hand moves on; one single step may reach the window before the frame's own news of the click.
  await page.mouse.move(20, 20, { steps: 10 });
  await page.mouse.move(200, 300, { steps: 10 });
  await page.getByTestId('thread').and(page.locator(':focus')).waitFor();
});

test('new mail is spoken with its sender, and again when the words are the same', async () => {
  const page = await inbox();
  const said = page.getByTestId('announcer');
  await page.evaluate(() => window.bureau.deliver(2));
  await page.waitForFunction(() => document.querySelector('[data-testid="announcer"]')?.textContent !== '');
  const words = await said.textContent();
  expect(words).toContain('Олена Вербицька');
  await page.evaluate(() => {
    const region = document.querySelector('[data-testid="announcer"]');
    const heard: string[] = [];
    Object.assign(window, { heard });
    if (region) new MutationObserver(() => heard.push(region.textContent ?? '')).observe(region, { childList: true, characterData: true, subtree: true });
    window.bureau.deliver(0);
  });
  await page.waitForFunction((before) => (window as unknown as { heard: string[] }).heard.at(-1) === before, words, { timeout: 15_000 });
});

test('on the narrowest window list and conversation take turns', async () => {
  const page = await inbox({ width: 720, height: 450 });
  await row(page, 0).click();
  await page.getByTestId('message').first().waitFor();
  expect(await list(page).isVisible()).toBe(false);
  await page.keyboard.press('Escape');
  await list(page).waitFor();
  expect(await list(page).evaluate((node) => node === document.activeElement)).toBe(true);
});

test.each([
  ['told by name', 150],
  ['told as an overflow', 500],
])('10,000 mails in a burst, %s, leave the window whole', async (_, perFact) => {
  const page = await inbox();
  const figures = await page.evaluate(async (size) => {
    const gaps: number[] = [];
    let long: number[] = [];
    const observer = new PerformanceObserver((entries) => long.push(...entries.getEntries().map((entry) => Math.round(entry.duration))));
    observer.observe({ type: 'longtask' });
    window.bureau.burst(10_000, size);
    await new Promise((resolve) => setTimeout(resolve, 50));
    long = [];
    let last = performance.now();
    let on = true;
    const beat = (now: number) => {
      gaps.push(Math.round(now - last));
      last = now;
      if (on) requestAnimationFrame(beat);
    };
    requestAnimationFrame(beat);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    on = false;
    observer.disconnect();
    const worst = gaps.sort((a, b) => b - a).slice(0, 5);
    return { frames: gaps.length, worst, long, rows: document.querySelectorAll('[data-testid="conversation-row"]').length, calls: { ...window.bureau.calls } };
  }, perFact);
  console.log('burst of 10,000:', JSON.stringify(figures));
  expect(figures.rows).toBeLessThan(40);
  await page.waitForFunction(() => document.querySelector('[data-testid="nav-inbox"] .count')?.textContent?.replace(/\D/g, '') === '13000');
  expect(faults.get(page)).toEqual([]);
});
