import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { drawn, faults, pictures, row, useBrowser } from './browser';

const { open } = useBrowser();

const at = (page: Page, step: string) => page.locator(`[data-testid="wizard"][data-step="${step}"]`);

test('a first mailbox is added by keyboard alone, and syncs', async () => {
  const page = await open({ query: 'scenario=empty' });
  await page.getByTestId('add-mailbox').focus();
  await page.keyboard.press('Enter');
  await at(page, 'address').waitFor();
  await page.getByTestId('mailbox-address').and(page.locator(':focus')).waitFor();
  await page.keyboard.type('bureau@example.org');
  await page.keyboard.press('Enter');
  await at(page, 'servers').waitFor();
  await page.getByTestId('mailbox-password').and(page.locator(':focus')).waitFor();
  expect(await page.getByTestId('imap-host').inputValue()).toBe('imap.example.org');
  await page.keyboard.press('Enter');
  await page.locator('[aria-invalid="true"]:focus').waitFor();
  await page.keyboard.type('secret');
  await page.keyboard.press('Enter');
  await at(page, 'since').waitFor();
  await page.getByTestId('estimate').getByText('близько').waitFor();
  await page.keyboard.press('Enter');
  await at(page, 'test').waitFor();
  await page.locator('[data-step="smtp"][data-state="passed"]').waitFor();
  await page.getByTestId('wizard-next').and(page.locator(':focus')).waitFor();
  await page.keyboard.press('Enter');
  await at(page, 'done').waitFor();
  await page.getByTestId('mailbox-name').fill('Бюро');
  await page.getByTestId('color-4').check();
  await page.getByTestId('wizard-done').click();
  await page.getByTestId('account-progress').waitFor();
  await page.locator('[data-testid="account-row"][data-state="live"]').waitFor();
  expect(faults.get(page)).toEqual([]);
});

test('a refused password is said in plain words with the server’s reply, and nothing is kept', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  const before = await page.getByTestId('account-row').count();
  await page.getByTestId('add-mailbox').click();
  await page.getByTestId('mailbox-address').fill('office@gmail.com');
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('mailbox-password').fill('wrong');
  await page.getByTestId('wizard-next').click();
  await at(page, 'since').waitFor();
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-step="sign_in"][data-state="failed"]').waitFor();
  await page.getByRole('alert').getByText('Application-specific password required').waitFor();
  expect(await page.locator('[data-step="folders"]').getAttribute('data-state')).toBe('waiting');
  await page.getByText('535 5.7.8').waitFor();
  await page.getByTestId('mailbox-password').fill('right');
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-step="smtp"][data-state="passed"]').waitFor();
  await page.getByTestId('nav-accounts').click();
  expect(await page.getByTestId('account-row').count()).toBe(before);
  expect(await page.evaluate(() => window.bureau.calls['addMailbox'] ?? 0)).toBe(0);
});

test('a mailbox that is half typed is still there after another screen, until it is given up', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('add-mailbox').click();
  await page.getByTestId('mailbox-address').fill('bureau@example.org');
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('imap-host').fill('imap.other.example');
  await page.getByTestId('nav-logs').click();
  await page.getByTestId('log-row').first().waitFor();
  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('add-mailbox').click();
  expect(await page.getByTestId('imap-host').inputValue()).toBe('imap.other.example');
  await page.getByRole('button', { name: 'Скасувати' }).click();
  await page.getByRole('button', { name: 'Припинити' }).click();
  await page.getByTestId('add-mailbox').click();
  expect(await page.getByTestId('mailbox-address').inputValue()).toBe('');
});

test('typing in a wizard keeps the focus where it is', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  await page.locator('[data-testid="account-row"][data-id="acc-not"]').getByTestId('account-more').click();
  await page.getByTestId('account-edit').click();
  await page.getByTestId('imap-port').fill('99999');
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-testid="imap-port"]:focus').waitFor();
  await page.getByTestId('smtp-host').focus();
  await page.getByTestId('imap-port').fill('993');
  await page.getByTestId('smtp-host').pressSequentially('x');
  expect(await page.getByTestId('smtp-host').evaluate((node) => node === document.activeElement)).toBe(true);
  await page.getByTestId('wizard-back').click();
  await page.getByRole('dialog').getByText('Вийти без змін?').waitFor();
});

test('a mailbox that waits for a person may be tried again', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  const account = page.locator('[data-testid="account-row"][data-id="acc-not"]');
  await account.getByTestId('account-more').click();
  await account.getByTestId('account-retry').click();
  await page.locator('[data-id="acc-not"][data-state="live"]').waitFor();
});

test('the view of a mailbox that was removed elsewhere gives way to all conversations, its mails keep a name', async () => {
  const page = await open();
  await page.locator('[data-testid="nav-account"][data-id="acc-waw"]').click();
  await page.getByRole('heading', { name: 'Warszawa' }).waitFor();
  await page.evaluate(() => window.bureau.removeElsewhere('acc-waw'));
  await page.getByRole('heading', { name: 'Усі розмови' }).waitFor();
  await row(page, 1).getByText('вилучений акаунт').waitFor();
});

test('a provider without passwords is named before one is asked for', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('add-mailbox').click();
  await page.getByTestId('mailbox-address').fill('someone@outlook.com');
  await page.getByTestId('wizard-next').click();
  await page.getByRole('alert').getByText('Outlook').first().waitFor();
  expect(await page.getByTestId('mailbox-password').count()).toBe(0);
  expect(await page.getByTestId('auth-password').count()).toBe(0);
  expect(await page.getByTestId('token-tokenEndpoint').inputValue()).toContain('microsoftonline.com');
});

test('a mailbox signs in with tokens; withdrawn ones are asked for again where the test says so', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('add-mailbox').click();
  await page.getByTestId('mailbox-address').fill('someone@gmail.com');
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('mailbox-password').waitFor();
  await page.getByTestId('auth-xoauth2').click();
  await page.getByTestId('mailbox-password').waitFor({ state: 'detached' });
  expect(await page.getByTestId('token-tokenEndpoint').inputValue()).toBe('https://oauth2.googleapis.com/token');
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-testid="token-clientId"][aria-invalid="true"]:focus').waitFor();
  await page.getByTestId('token-clientId').fill('bureau.apps.example.org');
  await page.getByTestId('token-refreshToken').fill('wrong');
  expect(await page.getByTestId('token-refreshToken').getAttribute('type')).toBe('password');
  await page.getByTestId('wizard-next').click();
  await at(page, 'since').waitFor();
  await page.getByTestId('estimate').getByText('близько').waitFor();
  await page.getByTestId('wizard-next').click();
  await page.getByRole('alert').getByText('Постачальник просить увійти знову').waitFor();
  await page.getByRole('alert').getByText('invalid_grant').waitFor();
  await page.getByTestId('token-refreshToken').fill('1//fresh');
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-step="smtp"][data-state="passed"]').waitFor();
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('wizard-done').click();
  await page.getByText('someone@gmail.com').first().waitFor();
  expect(faults.get(page)).toEqual([]);
});

test('an address that is none, a port that is none and plain text to elsewhere are refused at their field', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('add-mailbox').click();
  await page.getByTestId('mailbox-address').fill('nobody');
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-testid="mailbox-address"][aria-invalid="true"]').waitFor();
  await page.getByTestId('mailbox-address').fill('a@nowhere.example');
  await page.getByTestId('wizard-next').click();
  await at(page, 'servers').waitFor();
  await page.getByTestId('mailbox-password').fill('x');
  await page.getByTestId('imap-host').fill('imap.nowhere.example');
  await page.getByTestId('imap-port').fill('99999');
  await page.getByTestId('imap-security').selectOption('loopback_plain');
  await page.getByTestId('wizard-next').click();
  for (const field of ['imap-port', 'smtp-host']) await page.locator(`[data-testid="${field}"][aria-invalid="true"]`).waitFor();
  expect(await at(page, 'servers').count()).toBe(1);
});

test('an account is retried, paused and removed, its messages kept unless its name is typed', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  const account = page.locator('[data-testid="account-row"][data-id="acc-pry"]');
  await account.click();
  await account.getByTestId('account-retry').click();
  await page.locator('[data-id="acc-pry"][data-state="live"]').waitFor();
  await account.getByTestId('account-pause').click();
  await page.locator('[data-id="acc-pry"][data-state="stopped"]').waitFor();
  await account.getByTestId('account-remove').click();
  await page.getByTestId('remove-erase').check();
  expect(await page.getByTestId('confirm-remove').isDisabled()).toBe(true);
  await page.getByTestId('remove-name').fill('Присяжні');
  expect(await page.getByTestId('confirm-remove').isEnabled()).toBe(true);
  await page.getByTestId('remove-keep').check();
  await page.getByTestId('confirm-remove').click();
  await account.waitFor({ state: 'detached' });
});

test('the wait for the next try counts down', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  const state = page.locator('[data-id="acc-pry"] .state .med').first();
  const before = await state.textContent();
  expect(before).toMatch(/Повтор за 0:3\d/);
  await page.waitForFunction((old) => document.querySelector('[data-testid="account-row"][data-id="acc-pry"] .state .med')?.textContent !== old, before);
});

test('the log follows, pauses with a count, filters and highlights', async () => {
  const page = await open();
  await page.getByTestId('nav-logs').click();
  await page.getByTestId('log-row').first().waitFor();
  await page.keyboard.press('KeyF');
  await page.evaluate(() => window.bureau.grow(1));
  await page.evaluate(() => window.bureau.grow(412));
  await page.getByTestId('log-follow').getByText(/\+41\d/).waitFor();
  const lines = await page.getByTestId('log-row').count();
  expect(lines).toBeLessThan(80);
  await page.getByTestId('log-level-warn').click();
  await page.waitForFunction(() => [...document.querySelectorAll('[data-testid="log-row"]')].every((node) => ['WARN', 'ERROR'].includes((node as HTMLElement).dataset['level'] ?? '')));
  await page.keyboard.press('/');
  await page.keyboard.type('retrying');
  await page.locator('mark').first().waitFor();
  await page.getByTestId('log-text').fill('no such line');
  await page.getByText('Нічого не підходить').waitFor();
});

test('reading older lines goes on without a jump', async () => {
  const page = await open();
  await page.getByTestId('nav-logs').click();
  await page.getByTestId('log-row').first().waitFor();
  await page.keyboard.press('KeyF');
  const list = page.getByTestId('log-list');
  await list.evaluate((node) => (node.scrollTop = 1200));
  await drawn(page);
  const seen = await page.getByTestId('log-row').nth(12).getAttribute('id');
  const top = await page.locator(`#${seen}`).evaluate((node) => node.getBoundingClientRect().top);
  await page.waitForFunction(() => (document.querySelector('[data-testid="log-list"]')?.scrollTop ?? 0) > 5000);
  await drawn(page);
  expect(await page.locator(`#${seen}`).evaluate((node) => node.getBoundingClientRect().top)).toBe(top);
});

test('language and theme change at once, everywhere', async () => {
  const page = await open();
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('language-select').selectOption('pl');
  await page.getByRole('heading', { name: 'Ustawienia' }).waitFor();
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('pl');
  await page.getByTestId('theme-select').selectOption('dark');
  expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe('rgb(19, 20, 19)');
  await page.getByTestId('density-compact').click();
  await page.getByTestId('nav-inbox').click();
  await row(page, 0).waitFor();
  expect((await row(page, 0).boundingBox())?.height).toBe(52);
});

test('a conversation is muted from its menu and with a key, and its row says so', async () => {
  const page = await open();
  await row(page, 0).click();
  await page.getByRole('button', { name: 'Інші дії' }).first().click();
  await page.getByTestId('mute-hour').click();
  await row(page, 0).getByTestId('conversation-muted').waitFor();
  await page.getByText(/^Без сповіщень до /).waitFor({ state: 'attached' });
  const spoken = (words: string) => page.getByTestId('announcer').getByText(words, { exact: true }).waitFor({ state: 'attached' });
  await spoken('Сповіщення вимкнено на годину');
  await page.keyboard.press('b');
  await spoken('Сповіщення ввімкнено');
  await page.getByTestId('talk-muted').waitFor({ state: 'detached' });
  expect(await row(page, 0).getByTestId('conversation-muted').count()).toBe(0);
  await page.keyboard.press('b');
  await row(page, 0).getByText('Без сповіщень').waitFor({ state: 'attached' });
  await spoken('Без сповіщень, доки не ввімкнете');
});

test('a conversation that the list does not hold is muted and unmuted too', async () => {
  const page = await open();
  await row(page, 0).click();
  await page.locator('[data-testid="nav-account"][data-id="acc-waw"]').click();
  await page.getByRole('heading', { name: 'Warszawa' }).waitFor();
  await page.getByRole('button', { name: 'Інші дії' }).first().click();
  await page.getByTestId('mute-always').click();
  await page.getByTestId('talk-muted').waitFor();
  await page.keyboard.press('b');
  await page.getByTestId('talk-muted').waitFor({ state: 'detached' });
});

test('an account is muted on its page, and all its rows say so', async () => {
  const page = await open();
  await page.getByTestId('nav-accounts').click();
  const more = page.locator('[data-testid="account-row"][data-id="acc-zam"]').getByTestId('account-more');
  await more.click();
  await page.getByTestId('account-mute').click();
  await page.getByTestId('account-muted').getByText('Без сповіщень із цього акаунта').waitFor({ state: 'attached' });
  const again = page.getByRole('button', { name: 'Увімкнути сповіщення' });
  expect(await again.getAttribute('aria-pressed')).toBeNull();
  const rows = page.getByTestId('conversation-row');
  const marks = rows.getByTestId('conversation-muted');
  await page.locator('[data-testid="nav-account"][data-id="acc-zam"]').click();
  await marks.first().waitFor();
  expect(await marks.count()).toBe(await rows.count());
  await page.getByTestId('nav-accounts').click();
  await more.click();
  await again.click();
  await page.getByTestId('account-muted').waitFor({ state: 'detached' });
  await page.locator('[data-testid="nav-account"][data-id="acc-zam"]').click();
  await rows.first().waitFor();
  expect(await marks.count()).toBe(0);
});

const rowOf = (page: Page, id: string) => page.locator(`[data-testid="conversation-row"][data-id="${id}"]`);
const clickNotice = (page: Page, conversation: { account: string; id: string }) => page.evaluate((key) => window.bureau.clickNotice(key), conversation);

test('a clicked notice shows the talk on the narrowest window, a count the list', async () => {
  const page = await open({ width: 720, height: 450 });
  const id = (await row(page, 3).getAttribute('data-id')) ?? '';
  await clickNotice(page, { account: 'acc-zam', id });
  await page.getByTestId('message').first().waitFor();
  await page.locator('.thread:focus').waitFor();
  expect(await page.getByTestId('conversation-list').isVisible()).toBe(false);
  await page.evaluate(() => window.bureau.clickNotice(null));
  await page.locator('[data-testid="filter-unread"][aria-pressed="true"]').waitFor();
  expect(await page.getByTestId('thread').isVisible()).toBe(false);
});

test('a clicked notice leads to the list of all from one that does not hold its conversation', async () => {
  const page = await open({ query: 'telegram' });
  await row(page, 0).waitFor();
  const key = { account: 'acc-zam', id: 'c000000' };
  await page.getByTestId('filter-telegram').click();
  await rowOf(page, key.id).waitFor({ state: 'detached' });
  await clickNotice(page, key);
  await rowOf(page, key.id).waitFor();
  await page.locator('[data-testid="nav-account"][data-id="acc-waw"]').click();
  await clickNotice(page, key);
  await page.getByRole('heading', { name: 'Усі розмови' }).waitFor();
  await rowOf(page, key.id).waitFor();
  await page.keyboard.press('b');
  await page.getByTestId('talk-muted').waitFor();
  await page.keyboard.press('b');
  await page.getByTestId('talk-muted').waitFor({ state: 'detached' });
});

test('a clicked notice shows the newest message of a chat that was scrolled back', async () => {
  const page = await open({ query: 'telegram' });
  await rowOf(page, 't5').click();
  await page.getByTestId('message').first().waitFor();
  await drawn(page);
  await page.getByTestId('thread-scroll').evaluate((node) => (node.scrollTop -= 900));
  await drawn(page);
  await page.evaluate(() => window.bureau.write('t5', 'Зі сповіщення'));
  await page.getByTestId('to-end').getByText('1').waitFor();
  await clickNotice(page, { account: 'tg-lviv', id: 't5' });
  await page.getByTestId('to-end').waitFor({ state: 'detached' });
  await page.getByTestId('message').last().getByText('Зі сповіщення').waitFor();
});

test('a clicked notice opens its conversation from anywhere, and a count opens what is unread', async () => {
  const page = await open();
  const id = await row(page, 3).getAttribute('data-id');
  await page.getByTestId('nav-settings').click();
  await page.evaluate((id) => window.bureau.clickNotice({ account: 'acc-zam', id: id ?? '' }), id);
  await page.getByTestId('message').first().waitFor();
  expect(await page.locator('[data-testid="conversation-row"][aria-selected="true"]').getAttribute('data-id')).toBe(id);
  await page.getByTestId('nav-logs').click();
  await page.evaluate(() => window.bureau.clickNotice(null));
  await page.locator('[data-testid="filter-unread"][aria-pressed="true"]').waitFor();
});

test('the program knows which conversation somebody looks at', async () => {
  const page = await open();
  await row(page, 2).click();
  const id = await row(page, 2).getAttribute('data-id');
  await page.waitForFunction((id) => window.bureau.front() === id, id);
  await page.getByTestId('nav-logs').click();
  await page.waitForFunction(() => window.bureau.front() === null);
  await page.getByTestId('nav-inbox').click();
  await page.waitForFunction((id) => window.bureau.front() === id, id);
});

test('notices are set, quiet hours too, and the tray’s choice is followed', async () => {
  const page = await open({ query: 'quiet' });
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('quiet-from').selectOption('07:30');
  await page.getByTestId('quiet-hours').getByText('За годинником цього комп’ютера.').waitFor();
  await page.getByTestId('quiet-from').selectOption('08:00');
  await page.getByTestId('quiet-hours').getByText('тихих годин немає').waitFor();
  await page.evaluate(() => window.bureau.quiet(true));
  await page.locator('[data-testid="notice-doNotDisturb"][aria-checked="true"]').waitFor();
  await page.getByTestId('notice-enabled').click();
  await page.getByTestId('quiet-hours').waitFor({ state: 'detached' });
  expect(await page.getByTestId('notice-sound').isDisabled()).toBe(true);
});

test('a server that was chosen stays chosen when something else is changed', async () => {
  const page = await open();
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('server-url').fill('postgres://maria@db.example.org/bureau');
  await page.getByRole('button', { name: 'Зберегти' }).click();
  await page.getByText('Почне діяти після перезапуску').waitFor();
  await page.getByTestId('density-compact').click();
  await page.getByTestId('nav-logs').click();
  await page.getByTestId('nav-settings').click();
  expect(await page.getByTestId('server-url').inputValue()).toBe('postgres://maria@db.example.org/bureau');
});

test('a vault is created only with the same phrase twice, and opened only with the right one', async () => {
  const fresh = await open({ query: 'scenario=vault-new' });
  await fresh.getByTestId('vault-passphrase').fill('чотири випадкові слова тут');
  await fresh.getByTestId('vault-passphrase-again').fill('інші слова');
  await fresh.getByTestId('vault-submit').click();
  await fresh.locator('[data-testid="vault-passphrase-again"][aria-invalid="true"]').waitFor();
  await fresh.getByTestId('vault-passphrase-again').fill('чотири випадкові слова тут');
  await fresh.getByTestId('vault-submit').click();
  await row(fresh, 0).waitFor();

  const existing = await open({ query: 'scenario=vault-open' });
  await existing.getByTestId('vault-passphrase').fill('не та');
  await existing.keyboard.press('Enter');
  await existing.getByText('Фраза не підійшла').waitFor();
  expect(await existing.getByTestId('vault-passphrase').inputValue()).toBe('');
  await existing.getByTestId('vault-passphrase').fill('чотири випадкові слова тут');
  await existing.keyboard.press('Enter');
  await row(existing, 0).waitFor();
});

test('a database in trouble says what happened and comes back on retry', async () => {
  const page = await open({ query: 'scenario=db-unreachable' });
  await page.getByText('Немає зв’язку з базою').waitFor();
  await page.getByTestId('retry-start').click();
  await row(page, 0).waitFor();
});

test('who comes back is told once what came meanwhile, and goes to what waits longest', async () => {
  const page = await open({ query: 'away' });
  const card = page.getByTestId('away');
  await card.getByText('Надійшло 17 повідомлень:').waitFor();
  await page.screenshot({ path: `${pictures}away-1440.png` });
  await card.getByTestId('away-longest').click();
  await page.locator('.talk .msg, .talk .mail, [data-testid="message"]').first().waitFor();
  await card.getByTestId('away-close').click();
  await card.waitFor({ state: 'detached' });
  await page.waitForFunction(() => window.bureau.calls['awaySeen'] === 1);
  const asked = await page.evaluate(() => window.bureau.calls['away'] ?? 0);
  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('nav-inbox').click();
  await page.waitForFunction((before) => (window.bureau.calls['away'] ?? 0) > before, asked);
  await row(page, 0).waitFor();
  expect(await card.count()).toBe(0);
});

test('the sidebar counts what wants a person, once somebody or the program itself has looked', async () => {
  const page = await open();
  const badge = page.getByTestId('nav-diagnostics').locator('.badge');
  expect(await badge.count()).toBe(0);
  await page.getByTestId('nav-diagnostics').click();
  const repairs = page.getByTestId('repair');
  await repairs.first().waitFor();
  expect(await badge.locator('[aria-hidden]').innerText()).toBe(String(await repairs.count()));
  await page.locator('[data-testid="check"][data-name="silence"]').getByText('Тиша в').waitFor();
  await page.locator('[data-testid="check"][data-name="clock"][data-state="warn"]').waitFor();
});

test('what the servers hold is compared with what is here, a gap is fetched, and what is unknown is not green', async () => {
  const page = await open();
  await page.getByTestId('nav-diagnostics').click();
  const rows = page.getByTestId('completeness-row');
  await rows.first().waitFor();
  expect(await page.locator('[data-testid="completeness-row"][data-missing="0"]').count()).toBe(5);
  const gap = page.locator('[data-testid="completeness-row"][data-missing="3"]');
  await gap.locator('.state.warn').getByText('3', { exact: true }).waitFor();
  const unknown = page.locator('[data-testid="completeness-row"]:not([data-missing])');
  expect(await unknown.count()).toBeGreaterThan(0);
  await unknown.first().getByText('невідомо').waitFor();
  await page.screenshot({ path: `${pictures}diagnostics-gap-1440.png`, fullPage: true });
  await gap.getByTestId('completeness-fetch').click();
  await gap.waitFor({ state: 'detached' });
  await page.getByTestId('completeness-compare').click();
  await page.getByTestId('completeness-compare').getByText('Звірити зараз').waitFor();
  // Who does not answer cannot be compared, and stays unknown.
  const live = await page.evaluate(() => window.bureau.calls['checkCompleteness'] ?? 0);
  expect(live).toBeGreaterThan(2);
  expect(await unknown.count()).toBeGreaterThan(0);
});

test('hundreds of chats are told by their sum, and those with a gap by name', async () => {
  const page = await open({ query: 'telegram' });
  await page.getByTestId('nav-diagnostics').click();
  const chats = page.locator('[data-testid="completeness-row"]', { hasText: '214 чатів' });
  await chats.waitFor();
  const account = await chats.getAttribute('data-account');
  const rows = page.locator(`[data-testid="completeness-row"][data-account="${account}"]`);
  expect(await chats.getAttribute('data-missing')).toBe('3');
  expect(await rows.count()).toBe(3);
  await rows.filter({ hasText: 'Олена Вербицька' }).waitFor();
  await chats.scrollIntoViewIfNeeded();
  await page.screenshot({ path: `${pictures}diagnostics-chats-1440.png` });
  await chats.getByTestId('completeness-fetch').click();
  await page.locator(`[data-testid="completeness-row"][data-account="${account}"][data-missing="0"]`).waitFor();
  expect(await rows.count()).toBe(1);
});

test('a page of the shelf that was put aside whole gives way to the next', async () => {
  const page = await open();
  await page.getByTestId('nav-diagnostics').click();
  const rows = page.getByTestId('shelf-row');
  await rows.first().waitFor();
  for (let left = 20; left > 0; left--) {
    const first = page.locator(`[data-testid="shelf-row"][data-id="${await rows.first().getAttribute('data-id')}"]`);
    // The first is pressed again before anything came of it.
    await page.evaluate((ms) => window.bureau.slow('dismissQuarantined', ms), left === 20 ? 1500 : 1);
    await first.getByTestId('shelf-dismiss').click();
    if (left === 20) await first.getByTestId('shelf-dismiss').click({ force: true });
    await first.waitFor({ state: 'detached' });
    if (left % 5 === 0) expect(await page.evaluate(() => document.activeElement?.closest('[data-testid="shelf"]') !== null)).toBe(true);
  }
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="shelf-row"]').length === 2);
});

test('what could not be read is listed with its reason, tried again, saved and dismissed', async () => {
  const page = await open();
  await page.getByTestId('nav-diagnostics').click();
  await page.locator('[data-testid="repair"][data-name="quarantine"]').getByTestId('repair-quarantine').click();
  const rows = page.getByTestId('shelf-row');
  await rows.first().waitFor();
  expect(await rows.count()).toBe(20);
  await page.getByTestId('shelf-more').click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="shelf-row"]').length === 22);
  expect(await page.getByTestId('shelf-more').count()).toBe(0);
  await rows.nth(0).getByText('Програма не розуміє його будови').waitFor();
  const [whole, part, none] = await Promise.all([0, 1, 2].map((n) => rows.nth(n).getAttribute('data-id')));
  const row = (id: string | null) => page.locator(`[data-testid="shelf-row"][data-id="${id}"]`);
  expect(await row(none ?? null).getByTestId('shelf-save').isDisabled()).toBe(true);
  await rows.nth(0).scrollIntoViewIfNeeded();
  await page.screenshot({ path: `${pictures}diagnostics-shelf-1440.png` });

  // What still cannot be read counts one try more and stays; what can goes from the list.
  await row(part ?? null).getByTestId('shelf-retry').click();
  await page.locator(`[data-testid="shelf-row"][data-id="${part}"][data-tries="5"]`).waitFor();
  await row(whole ?? null).getByTestId('shelf-retry').click();
  await row(whole ?? null).waitFor({ state: 'detached' });
  await page.getByText('Прочитано: повідомлення стоїть на своєму місці').first().waitFor();

  await row(part ?? null).getByTestId('shelf-save').click();
  expect(await page.evaluate(() => window.bureau.calls['saveOriginal'])).toBe(1);
  await row(part ?? null).getByTestId('shelf-dismiss').click();
  await row(part ?? null).waitFor({ state: 'detached' });
  await page.getByTestId('shelf-turn').click();
  await row(part ?? null).waitFor();
  expect(await rows.count()).toBe(1);
  await row(part ?? null).getByTestId('shelf-dismiss').click();
  await page.getByTestId('shelf-turn').click();
  await row(part ?? null).waitFor();
});
