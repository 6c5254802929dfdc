import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';

import { type Opening, drawn, faults, useBrowser } from './browser';

const { open } = useBrowser();

const rowOf = (page: Page, id: string) => page.locator(`[data-testid="conversation-row"][data-id="${id}"]`);
const scroller = (page: Page) => page.getByTestId('thread-scroll');
const at = (page: Page, step: string) => page.locator(`[data-testid="wizard"][data-step="${step}"]`);
const HASH = '0123456789abcdef0123456789abcdef';

async function chat(id: string, opening: Opening = {}): Promise<Page> {
  const page = await open({ ...opening, query: ['telegram', opening.query].filter(Boolean).join('&') });
  await page.getByTestId('filter-telegram').click();
  await rowOf(page, id).click();
  await page.getByTestId('message').first().waitFor();
  await drawn(page);
  return page;
}

async function wizard(query = 'telegram'): Promise<Page> {
  const page = await open({ query });
  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('add-mailbox').click();
  await page.getByTestId('channel-telegram').check();
  await at(page, 'way').waitFor();
  return page;
}

async function askCode(page: Page, phone = '+380 00 000 00 11'): Promise<void> {
  await page.getByTestId('phone').fill(phone);
  await page.getByTestId('api-id').fill('17349');
  await page.getByTestId('api-hash').fill(HASH);
  await page.getByTestId('wizard-next').click();
}

describe('adding an account', () => {
  test('by code and password, with the keyboard alone, leaves no secret in a field', async () => {
    const page = await open({ query: 'scenario=empty' });
    await page.getByTestId('add-mailbox').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId('mailbox-address').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('ArrowRight');
    await page.getByTestId('channel-telegram').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.getByTestId('phone').and(page.locator(':focus')).waitFor();
    await page.keyboard.type('+380 00 000 00 11');
    await page.keyboard.press('Tab');
    await page.keyboard.type('17349');
    await page.keyboard.press('Tab');
    await page.keyboard.type(HASH);
    await page.keyboard.press('Enter');
    await page.getByTestId('telegram-code').and(page.locator(':focus')).waitFor();
    await page.getByTestId('code-way').getByText('чат «Telegram»').waitFor();
    await page.keyboard.type('22222');
    await page.keyboard.press('Enter');
    await page.getByTestId('two-step').and(page.locator(':focus')).waitFor();
    await page.getByText('як завжди, з роком').waitFor();
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid="two-step"][aria-invalid="true"]:focus').waitFor();
    expect(await page.getByTestId('two-step').inputValue()).toBe('');
    await page.keyboard.type('right');
    await page.keyboard.press('Enter');
    await at(page, 'chats').waitFor();
    expect(await page.getByTestId('kind-groups').getAttribute('aria-checked')).toBe('true');
    for (const kind of ['channels', 'bots']) expect(await page.getByTestId(`kind-${kind}`).getAttribute('aria-checked')).toBe('false');
    expect(await page.getByTestId('history-days').inputValue()).toBe('30');
    await page.getByTestId('wizard-next').and(page.locator(':focus')).waitFor();
    await page.keyboard.press('Enter');
    await page.getByTestId('account-name').and(page.locator(':focus')).waitFor();
    expect(await page.getByTestId('account-name').inputValue()).toBe('Ірина Коваль');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid="account-row"][data-state="live"]').waitFor();
    expect(faults.get(page)).toEqual([]);
  });

  test('a pasted code is taken whole, without what stands around its digits', async () => {
    const page = await wizard();
    await askCode(page);
    await page.getByTestId('telegram-code').waitFor();
    const field = page.getByTestId('telegram-code');
    expect(await field.getAttribute('autocomplete')).toBe('one-time-code');
    expect(await field.getAttribute('inputmode')).toBe('numeric');
    await field.evaluate((node: HTMLInputElement) => {
      node.value = ' 4 0-1 18 ';
      node.dispatchEvent(new InputEvent('input', { bubbles: true }));
    });
    expect(await field.inputValue()).toBe('40118');
    expect(await page.locator('.code-box').allTextContents()).toEqual(['4', '0', '1', '1', '8']);
  });

  test.each([
    ['+380 00 000 00 91', 'phone', 'ще немає акаунта Telegram'],
    ['+380 00 000 00 95', 'phone', 'не надсилає код'],
  ])('%s is refused at its field', async (phone, field, words) => {
    const page = await wizard();
    await askCode(page, phone);
    await page.locator(`[data-testid="${field}"][aria-invalid="true"]:focus`).waitFor();
    await page.getByText(words).waitFor();
    expect(await page.getByTestId('api-hash').inputValue()).toBe(HASH);
  });

  test('a banned number, a broken network and a wait have words of their own, the wait its time', async () => {
    const page = await wizard();
    await askCode(page, '+380 00 000 00 92');
    await page.locator('[data-testid="telegram-error"][data-code="banned"]').waitFor();
    await askCode(page, '+380 00 000 00 94');
    await page.locator('[data-testid="telegram-error"][data-code="network"]').getByText('проксі').waitFor();
    await askCode(page, '+380 00 000 00 93');
    await page.getByTestId('flood-wait').getByText(/зачекати 3:4\d/).waitFor();
    const before = await page.getByTestId('flood-wait').textContent();
    await page.waitForFunction((old) => document.querySelector('[data-testid="flood-wait"]')?.textContent !== old, before);
  });

  test('what cannot be a number, an ID or a hash is never sent', async () => {
    const page = await wizard();
    for (const [id, hash] of [['0', HASH], ['2147483648', HASH], ['17349', HASH.slice(1)], ['x', HASH]] as const) {
      await page.getByTestId('phone').fill('+380 00 000 00 11');
      await page.getByTestId('api-id').fill(id);
      await page.getByTestId('api-hash').fill(hash);
      await page.getByTestId('wizard-next').click();
      await page.locator('[aria-invalid="true"]').first().waitFor();
    }
    await askCode(page, '+380 abc');
    await page.locator('[data-testid="phone"][aria-invalid="true"]').waitFor();
    expect(await page.evaluate(() => window.bureau.calls['beginPhoneSignIn'] ?? 0)).toBe(0);
  });

  test('a wrong key is told at the key, a wrong and an expired code at the code; another code can be asked for', async () => {
    const page = await wizard();
    await page.getByTestId('phone').fill('+380 00 000 00 11');
    await page.getByTestId('api-id').fill('777');
    await page.getByTestId('api-hash').fill(HASH);
    await page.getByTestId('wizard-next').click();
    await page.locator('[data-testid="api-id"][aria-invalid="true"]').waitFor();
    await page.getByText('став відомим усім').waitFor();
    await page.getByTestId('api-id').fill('17349');
    await page.getByTestId('wizard-next').click();
    for (const [code, words] of [['00000', 'Код не підійшов'], ['11111', 'Код уже не діє']] as const) {
      await page.getByTestId('telegram-code').fill(code);
      await page.keyboard.press('Enter');
      await page.getByText(words).waitFor();
    }
    await page.getByTestId('resend-wait').getByText(/Надіслати SMS за 0:\d\d/).waitFor();
    await page.getByTestId('other-number').click();
    await at(page, 'way').waitFor();
    expect(await page.getByTestId('api-hash').inputValue()).toBe('');
    await page.getByTestId('wizard-next').click();
    await page.getByTestId('telegram-code').waitFor();
  });

  test('by QR: drawn, scanned, asks for the password', async () => {
    const page = await wizard();
    await page.getByTestId('way-qr').check();
    await page.getByTestId('api-id').fill('17349');
    await page.getByTestId('api-hash').fill(HASH);
    await page.getByTestId('wizard-next').click();
    await page.getByTestId('qr').waitFor();
    await page.getByTestId('qr-left').getByText(/Оновиться за 0:\d\d/).waitFor();
    await page.evaluate(() => window.bureau.failScan('expired_qr'));
    await page.getByTestId('qr-again').click();
    await page.getByTestId('qr').waitFor();
    await page.evaluate(() => window.bureau.scan(true));
    await page.getByTestId('two-step').fill('right');
    await page.keyboard.press('Enter');
    await at(page, 'chats').waitFor();
    expect(faults.get(page)).toEqual([]);
  });

  test('by session: recognised before it is used, never shown, our own unless chosen otherwise', async () => {
    const page = await wizard();
    await page.getByTestId('way-session').check();
    for (const [text, words] of [['"1abc"', 'лапки'], ['1abc', 'бракує'], ['zzz', 'не сеанс']] as const) {
      await page.getByTestId('session').fill(text);
      await page.getByTestId('wizard-next').click();
      await page.locator('[data-testid="session"][aria-invalid="true"]').waitFor();
      await page.getByText(words).first().waitFor();
      expect(await page.getByTestId('session').inputValue()).toBe('');
    }
    const secret = `1${'s3cret'.repeat(12)}`;
    await page.getByTestId('session').fill(secret);
    await page.getByTestId('wizard-next').click();
    await page.getByTestId('found-session').getByText('DC 2').waitFor();
    expect(await page.content()).not.toContain('s3cret');
    expect(await page.getByTestId('session-own').isChecked()).toBe(true);
    await page.getByTestId('api-id').fill('555');
    await page.getByTestId('api-hash').fill(HASH);
    await page.getByTestId('wizard-next').click();
    await page.locator('[data-testid="telegram-error"][data-code="session_duplicated"]').waitFor();
    await page.getByTestId('api-id').fill('17349');
    await page.getByTestId('wizard-next').click();
    await at(page, 'chats').waitFor();
  });

  test('an account that is there already is named, and nothing is added', async () => {
    const page = await wizard();
    await askCode(page, '+380 00 000 00 01');
    await page.getByTestId('telegram-code').fill('12345');
    await page.keyboard.press('Enter');
    await at(page, 'chats').waitFor();
    await page.getByTestId('wizard-next').click();
    await page.getByTestId('wizard-done').click();
    await page.locator('[data-testid="telegram-error"][data-code="already_exists"]').getByText('уже додано').waitFor();
  });

  test('giving up ends the sign-in at Telegram too', async () => {
    const page = await wizard();
    await askCode(page);
    await page.getByTestId('telegram-code').waitFor();
    await page.getByRole('button', { name: 'Скасувати' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Припинити' }).click();
    await page.getByTestId('account-row').first().waitFor();
    expect(await page.evaluate(() => window.bureau.calls['cancelSignIn'])).toBe(1);
  });

  test('leaving while it is saved saves it, leads nobody away, and the next account starts afresh', async () => {
    const page = await wizard();
    await askCode(page);
    await page.getByTestId('telegram-code').fill('12345');
    await page.keyboard.press('Enter');
    await at(page, 'chats').waitFor();
    await page.getByTestId('wizard-next').click();
    await at(page, 'done').waitFor();
    await page.evaluate(() => {
      document.querySelector<HTMLElement>('[data-testid="wizard-done"]')?.click();
      document.querySelector<HTMLElement>('[data-testid="nav-inbox"]')?.click();
    });
    await page.getByTestId('toast').waitFor();
    await drawn(page);
    await page.getByTestId('conversation-row').first().waitFor();
    await page.getByTestId('nav-accounts').click();
    await page.getByTestId('add-mailbox').click();
    await at(page, 'way').waitFor();
    expect(await page.getByTestId('phone').inputValue()).toBe('');
  });

  test('a proxy is tried before it is used', async () => {
    const page = await wizard();
    await page.getByText('Проксі SOCKS5').click();
    await page.getByTestId('proxy-on').check();
    await page.getByTestId('proxy-host').fill('nowhere.example');
    await page.getByTestId('proxy-test').click();
    await page.getByText('Проксі не відповів або відмовив').waitFor();
    await page.getByTestId('proxy-host').fill('proxy.example.org');
    await page.getByTestId('proxy-test').click();
    await page.getByText('До Telegram дійшли').waitFor();
  });
});

describe('a Telegram account', () => {
  test('signs in again after its session was destroyed', async () => {
    const page = await open({ query: 'telegram' });
    await page.getByTestId('nav-accounts').click();
    const account = page.locator('[data-testid="account-row"][data-id="tg-dup"]');
    await account.getByText('Сеанс використано з двох місць').waitFor();
    await account.getByTestId('account-more').click();
    await account.getByTestId('account-sign-in').click();
    await page.getByTestId('wizard-next').click();
    await page.getByTestId('telegram-code').fill('12345');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid="account-row"][data-id="tg-dup"][data-state="live"]').waitFor();
  });

  test('keeps what is chosen for it', async () => {
    const page = await open({ query: 'telegram' });
    await page.getByTestId('nav-accounts').click();
    const account = page.locator('[data-testid="account-row"][data-id="tg-kyiv"]');
    await account.getByTestId('account-more').click();
    await account.getByTestId('account-edit').click();
    await page.getByTestId('account-name').fill('я'.repeat(201));
    await page.getByTestId('edit-save').click();
    await page.locator('[data-testid="account-name"][aria-invalid="true"]:focus').waitFor();
    await page.getByText('Назва може мати до 200 знаків').waitFor();
    await page.getByTestId('account-name').fill('Київ, чат');
    await page.getByTestId('kind-channels').click();
    await page.getByTestId('history-days').selectOption('90');
    await page.getByTestId('edit-save').click();
    await account.getByText('Приватні розмови, Групи й теми, Канали').waitFor();
    await account.getByText('90 днів').waitFor();
  });
});

describe('the list', () => {
  test('tells the author and the media of a chat, and shows one channel alone', async () => {
    const page = await open({ query: 'telegram' });
    await rowOf(page, 't0').getByText('Голосове повідомлення').waitFor();
    await page.getByTestId('filter-telegram').click();
    await rowOf(page, 't1').getByText('Соломія:').waitFor();
    expect(await page.getByTestId('conversation-row').count()).toBe(7);
    await page.getByTestId('filter-email').click();
    await rowOf(page, 'c000000').waitFor();
    expect(await rowOf(page, 't0').count()).toBe(0);
    await page.evaluate(() => window.bureau.write('t0', 'Ще одне'));
    await drawn(page);
    expect(await rowOf(page, 't0').count()).toBe(0);
  });
});

describe('a chat', () => {
  test('opens at the first unread message, in a log of named articles', async () => {
    const page = await chat('t0');
    await page.getByTestId('unread-line').waitFor();
    expect(await page.getByTestId('thread').getAttribute('role')).toBe('log');
    expect(await page.getByTestId('message').first().getAttribute('aria-label')).toMatch(/^Олена Вербицька, .+, Вітаю/);
    await page.waitForFunction(() => window.bureau.calls['markRead'] === 1);
  });

  test('older messages come in above without the view moving', async () => {
    const page = await chat('t5');
    await scroller(page).evaluate((node) => (node.scrollTop = 650));
    await drawn(page);
    for (let i = 0; i < 3; i++) {
      const count = await page.getByTestId('message').count();
      const before = await page.evaluate(() => {
        const box = document.querySelector('[data-testid="thread-scroll"]') as HTMLElement;
        box.scrollTop = 200;
        const found = [...box.querySelectorAll<HTMLElement>('.msg')].find((node) => node.getBoundingClientRect().top > box.getBoundingClientRect().top + 40);
        return { id: found?.dataset['id'] ?? '', top: found?.getBoundingClientRect().top };
      });
      await page.waitForFunction((was) => document.querySelectorAll('[data-testid="message"]').length > was, count);
      await drawn(page);
      expect(await page.locator(`.msg[data-id="${before.id}"]`).evaluate((node) => node.getBoundingClientRect().top)).toBeCloseTo(before.top ?? 0, 0);
    }
  });

  test('is read back from Telegram by page and whole, with a stop, down to its beginning', async () => {
    const page = await chat('t0');
    const count = await page.getByTestId('message').count();
    await page.getByTestId('history-older').click();
    await page.waitForFunction((was) => document.querySelectorAll('[data-testid="message"]').length === was + 50, count);
    // A click that scrolls there first would begin another page.
    await page.locator('[data-testid="history-head"][data-phase="idle"]').waitFor();
    await page.getByTestId('history-whole').dispatchEvent('click');
    await page.getByTestId('history-stop').click();
    await page.locator('[data-testid="history-head"]:not([data-phase="whole"]):not([data-phase="stopping"])').waitFor();
    if ((await page.getByTestId('history-whole').count()) > 0) await page.getByTestId('history-whole').click();
    await page.getByText('Тут початок розмови').waitFor();
    await page.waitForFunction((was) => document.querySelectorAll('[data-testid="message"]').length === was + 120, count);
  });

  test('an answer jumps to what it answers, however far up', async () => {
    const page = await chat('t0');
    await page.getByTestId('reply-preview').click();
    await page.locator('.msg:focus').getByText('Потрібен переклад договору').waitFor();
  });

  test('new messages follow at the end, and wait below while somebody reads above', async () => {
    const page = await chat('t5');
    await page.evaluate(() => window.bureau.write('t5', 'Дійшло'));
    await page.getByText('Дійшло').last().waitFor();
    await drawn(page);
    expect(await scroller(page).evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight)).toBeLessThan(2);
    await scroller(page).evaluate((node) => (node.scrollTop -= 900));
    await drawn(page);
    const before = await scroller(page).evaluate((node) => node.scrollTop);
    await page.evaluate(() => window.bureau.write('t5', 'Ще одне'));
    await page.getByTestId('to-end').getByText('1').waitFor();
    expect(await scroller(page).evaluate((node) => node.scrollTop)).toBe(before);
    await page.getByTestId('to-end').click();
    await page.getByTestId('to-end').waitFor({ state: 'detached' });
  });

  test('a hit far above stands among its neighbours, and the way down leads to the newest', async () => {
    const page = await open({ query: 'telegram' });
    await page.getByTestId('search-input').fill('Перевірте');
    await page.locator('[data-testid="conversation-row"]', { hasText: 'Мирослава' }).first().click();
    await page.locator('.msg.flash').getByText('(5)').waitFor();
    const count = () => page.getByTestId('message').count();
    const first = await count();
    expect(first).toBeLessThan(150);
    await scroller(page).evaluate((node) => (node.scrollTop = node.scrollHeight));
    await page.waitForFunction((was) => document.querySelectorAll('[data-testid="message"]').length > was, first);
    await page.evaluate(() => window.bureau.write('t5', 'Найновіше'));
    await drawn(page);
    expect(await page.getByTestId('message').filter({ hasText: 'Найновіше' }).count()).toBe(0);
    await page.getByTestId('to-end').click();
    await page.getByTestId('message').last().getByText('Найновіше').waitFor();
    await page.getByTestId('to-end').waitFor({ state: 'detached' });
    expect(await count()).toBeLessThan(60);
  });

  test('what waits below is read only once somebody goes there', async () => {
    const page = await chat('t5');
    await scroller(page).evaluate((node) => (node.scrollTop -= 900));
    await drawn(page);
    await page.evaluate(() => window.bureau.write('t5', 'Не бачили'));
    await page.getByTestId('to-end').getByText('1').waitFor();
    await page.waitForTimeout(1500);
    expect(await page.evaluate(() => window.bureau.calls['markRead'] ?? 0)).toBe(0);
    await rowOf(page, 't5').getByTestId('conversation-unread').waitFor();
    await page.getByTestId('to-end').click();
    await rowOf(page, 't5').getByTestId('conversation-unread').waitFor({ state: 'detached' });
  });

  test('a film goes on while things happen in its chat', async () => {
    const page = await chat('t2');
    await page.getByTestId('message').filter({ hasText: 'Вхід з двору' }).getByTestId('photo').click();
    const film = page.getByTestId('viewer').locator('video');
    await film.evaluate((node) => (node.dataset['begun'] = 'yes'));
    await page.evaluate(() => window.bureau.write('t2', 'Тим часом'));
    await page.getByTestId('message').filter({ hasText: 'Тим часом' }).waitFor({ state: 'attached' });
    await drawn(page);
    expect(await film.getAttribute('data-begun')).toBe('yes');
  });

  test('a picture that was long in coming opens over nobody who has gone on', async () => {
    const page = await chat('t2');
    const picture = page.getByTestId('message').filter({ hasText: 'Один знімок' }).getByTestId('photo');
    await picture.click();
    await page.getByTestId('compose-text').click();
    await page.locator('[data-testid="message"]', { hasText: 'Один знімок' }).locator('[data-fetched="true"]').waitFor();
    await drawn(page);
    expect(await page.getByTestId('viewer').count()).toBe(0);
  });

  test('links ask first, hidden text hides, nothing is parsed', async () => {
    const page = await chat('t2');
    await page.getByTestId('spoiler').click();
    await page.getByText('спойлер').waitFor();
    await page.getByTestId('text-link').filter({ hasText: 'договір' }).click();
    await page.getByTestId('link-target').getByText('xn--bnk-5cd.example.net').waitFor();
    await page.keyboard.press('Escape');
    await page.evaluate(() => window.bureau.write('t2', '<img src=x onerror=alert(1)> <b>жирно</b>'));
    await page.getByText('<b>жирно</b>').last().waitFor();
    expect(faults.get(page)).toEqual([]);
  });

  test('a file is fetched with progress, stopped, and opened; a voice message plays', async () => {
    const page = await chat('t2');
    const big = page.getByTestId('chat-file').filter({ hasText: 'установник.exe' });
    await big.getByTestId('file-fetch').click();
    await big.getByTestId('fetch-progress').waitFor();
    await page.getByRole('complementary').getByTestId('fetch-stop').click();
    await big.getByTestId('fetch-progress').waitFor({ state: 'detached' });
    await big.getByTestId('file-open').click();
    await page.getByTestId('risky-dialog').waitFor();
    await page.keyboard.press('Escape');
    await rowOf(page, 't0').click();
    const voice = page.getByTestId('voice');
    await voice.getByTestId('voice-play').click();
    await voice.getByRole('button', { name: 'Пауза' }).waitFor();
    await voice.getByTestId('voice-time').getByText(/0:0\d \/ 0:42/).waitFor();
    await voice.getByTestId('voice-position').focus();
    await page.keyboard.press('ArrowRight');
    await voice.getByTestId('voice-time').getByText(/0:0[5-9] \/ 0:42/).waitFor();
    await voice.getByTestId('voice-play').click();
    await voice.getByRole('button', { name: /^Слухати/ }).waitFor();
  });

  test('a film that is a program is asked about in the viewer too', async () => {
    const page = await chat('t2');
    await page.getByTestId('message').filter({ hasText: '1:23' }).nth(1).getByTestId('photo').click();
    await page.getByTestId('viewer-open').click();
    const question = page.getByTestId('risky-dialog');
    await question.getByText('Фільм.exe').waitFor();
    await page.keyboard.press('Escape');
    await question.waitFor({ state: 'detached' });
    expect(await page.evaluate(() => window.bureau.calls['openFile'] ?? 0)).toBe(0);
    await page.getByTestId('viewer-open').click();
    await page.getByTestId('risky-open').click();
    await page.waitForFunction(() => window.bureau.calls['openFile'] === 1);
    await page.getByTestId('viewer').waitFor();
    await drawn(page);
    expect(await page.getByTestId('toast').count()).toBe(0);
  });

  test('earlier versions are shown on request', async () => {
    const page = await chat('t0');
    await page.getByTestId('edited').click();
    await page.getByTestId('versions').getByText('Сфотографуйте всі сторінки.').waitFor();
    await page.getByTestId('edited').click();
    await page.getByTestId('versions').waitFor({ state: 'detached' });
  });

  test('the keys go from message to message, and R answers', async () => {
    const page = await chat('t1');
    await page.getByTestId('thread').focus();
    await page.keyboard.press('ArrowUp');
    await page.locator('.msg:focus').waitFor();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('KeyR');
    await page.getByTestId('reply-chip').waitFor();
    expect(await page.getByTestId('compose-text').evaluate((node) => node === document.activeElement)).toBe(true);
    await page.keyboard.press('Escape');
    await page.getByTestId('reply-chip').waitFor({ state: 'detached' });
  });
});

describe('the composer', () => {
  test('says who sends, sends by Ctrl+Enter, and shows each state on the bubble', async () => {
    const page = await chat('t0');
    await page.getByTestId('composer-from').getByText('Київ, чат').waitFor();
    await page.getByTestId('compose-text').fill('Готово в середу');
    await page.keyboard.press('Enter');
    expect(await page.getByTestId('compose-text').inputValue()).toBe('Готово в середу\n');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('outgoing').waitFor();
    expect(await page.getByTestId('compose-text').inputValue()).toBe('');
    await page.getByTestId('outgoing').waitFor({ state: 'detached' });
    const sent = page.getByTestId('message').last();
    await sent.getByText('Готово в середу').waitFor();
    await sent.getByText('прочитано').waitFor();
    expect(await page.evaluate(() => window.bureau.calls['sendText'])).toBe(1);
    await drawn(page);
    expect(await scroller(page).evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight)).toBeLessThan(2);
  });

  test('what failed keeps Telegram’s words and can be tried again or taken back', async () => {
    const page = await chat('t0');
    await page.getByTestId('compose-text').fill('відмова');
    await page.keyboard.press('Control+Enter');
    const failed = page.locator('[data-testid="outgoing"][data-state="failed"]');
    await failed.getByText('400 USER_BANNED_IN_CHANNEL').waitFor();
    await failed.getByTestId('outgoing-edit').click();
    await failed.waitFor({ state: 'detached' });
    expect(await page.getByTestId('compose-text').inputValue()).toBe('відмова');
    await page.getByTestId('compose-text').fill('невідомо');
    await page.keyboard.press('Control+Enter');
    const uncertain = page.locator('[data-testid="outgoing"][data-state="uncertain"]');
    await uncertain.getByTestId('outgoing-retry').click();
    await page.getByTestId('message').last().getByText('невідомо').waitFor();
  });

  test('what failed is marked in the list and said once, and goes back with what it answers', async () => {
    const page = await chat('t0');
    await page.getByTestId('message').first().focus();
    await page.keyboard.press('KeyR');
    await page.getByTestId('compose-text').fill('відмова');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('outgoing').getByTestId('outgoing-reply').getByText('Ви працюєте в суботу').waitFor();
    await rowOf(page, 't1').click();
    await rowOf(page, 't0').getByTestId('conversation-stuck').getByText('1', { exact: true }).waitFor();
    await page.getByTestId('announcer-unsent').getByText('1 повідомлення не надіслано').waitFor({ state: 'attached' });
    await rowOf(page, 't0').click();
    await page.getByTestId('outgoing-edit').click();
    await page.getByTestId('reply-chip').getByText('Ви працюєте в суботу').waitFor();
    await rowOf(page, 't0').getByTestId('conversation-stuck').waitFor({ state: 'detached' });
  });

  test('a command that fails after somebody has gone on is told, and the text is still there', async () => {
    const page = await chat('t0');
    await page.evaluate(() => window.bureau.fail('sendText', true));
    await page.getByTestId('compose-text').fill('Важливе');
    await page.evaluate(() => {
      document.querySelector<HTMLElement>('[data-testid="compose-send"]')?.click();
      document.querySelector<HTMLElement>('[data-testid="conversation-row"][data-id="t1"]')?.click();
    });
    await page.getByTestId('toast').getByText('Олена Вербицька').waitFor();
    await rowOf(page, 't0').click();
    await page.waitForFunction(() => (document.querySelector('[data-testid="compose-text"]') as HTMLTextAreaElement | null)?.value === 'Важливе');
  });

  test('a draft stays with its conversation', async () => {
    const page = await chat('t0');
    await page.getByTestId('compose-text').fill('Чернетка для Олени');
    await rowOf(page, 't1').click();
    await page.getByText('Коли збираємося?').waitFor();
    expect(await page.getByTestId('compose-text').inputValue()).toBe('');
    await page.getByTestId('nav-logs').click();
    await page.getByTestId('nav-inbox').click();
    await rowOf(page, 't0').click();
    await page.waitForFunction(() => (document.querySelector('[data-testid="compose-text"]') as HTMLTextAreaElement | null)?.value === 'Чернетка для Олени');
  });

  test('4,096 characters go, one more does not', async () => {
    const page = await chat('t0');
    await page.getByTestId('compose-text').fill('я'.repeat(4097));
    await page.getByTestId('compose-count').getByText('Задовго на 1 знак').waitFor();
    expect(await page.getByTestId('compose-send').isDisabled()).toBe(true);
    await page.keyboard.press('Control+Enter');
    expect(await page.evaluate(() => window.bureau.calls['sendText'] ?? 0)).toBe(0);
    await page.getByTestId('compose-text').fill('я'.repeat(4096));
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('message').last().getByText('яяя').waitFor();
  });

  test('a command that fails leaves the text', async () => {
    const page = await chat('t0');
    await page.evaluate(() => window.bureau.fail('sendText', true));
    await page.getByTestId('compose-text').fill('Важливе');
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('composer').getByRole('alert').getByText('текст лишився').waitFor();
    expect(await page.getByTestId('compose-text').inputValue()).toBe('Важливе');
    await page.getByTestId('outgoing').waitFor({ state: 'detached' });
    await page.getByTestId('composer').getByTestId('what-is-this').click();
    await page.locator('[data-testid="help"] .asked').waitFor();
  });

  test('the next text is typed and sent while the one before it is handed over', async () => {
    const page = await chat('t0');
    await page.evaluate(() => window.bureau.slow('sendText', 700));
    await page.getByTestId('compose-text').focus();
    await page.keyboard.type('перша');
    await page.keyboard.press('Control+Enter');
    await page.keyboard.type('друга');
    await page.keyboard.press('Control+Enter');
    await page.keyboard.type('трет');
    await page.getByTestId('outgoing').nth(1).getByText('друга').waitFor();
    await page.waitForFunction(() => window.bureau.texts.length === 2);
    expect(await page.evaluate(() => window.bureau.texts.map(({ text }) => text))).toEqual(['перша', 'друга']);
    expect(await page.getByTestId('compose-text').inputValue()).toBe('трет');
    await page.getByTestId('message').last().getByText('друга').waitFor();
    await page.getByTestId('outgoing').first().waitFor({ state: 'detached' });
    expect(await page.getByTestId('message').filter({ hasText: /перша|друга/ }).count()).toBe(2);
  });

  test('a channel takes no answer', async () => {
    const page = await chat('t4');
    await page.getByTestId('composer-closed').waitFor();
    expect(await page.getByTestId('compose-text').count()).toBe(0);
  });

  test('a chat of which only a name came over says so and takes no answer', async () => {
    const page = await chat('t0', { query: 'unknown' });
    await page.getByTestId('composer-closed').getByText('відомо лише номер чи ім’я').waitFor();
    await page.getByText('Telegram, вид чату невідомий').first().waitFor();
    expect(await page.getByTestId('compose-text').count()).toBe(0);
  });

  test('grows with the text, and the end of the chat stays in view', async () => {
    const page = await chat('t5');
    const before = await page.getByTestId('compose-text').evaluate((node) => node.clientHeight);
    await page.getByTestId('compose-text').fill('рядок\n'.repeat(6));
    await page.waitForFunction((was) => (document.querySelector('[data-testid="compose-text"]') as HTMLElement).clientHeight > was + 60, before);
    await drawn(page);
    await drawn(page);
    expect(await scroller(page).evaluate((node) => node.scrollHeight - node.scrollTop - node.clientHeight)).toBeLessThan(2);
  });
});
