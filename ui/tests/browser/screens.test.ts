import { createRequire } from 'node:module';

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';

import { type Opening, drawn, faults, pictures, row, useBrowser } from './browser';

const { open } = useBrowser();
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Each screen with what leads there. */
const screens: Record<string, { query?: string; go?: (page: Page) => Promise<unknown> }> = {
  'start-starting': { query: 'scenario=starting', go: (page) => page.getByTestId('start').waitFor() },
  'start-vault-new': { query: 'scenario=vault-new', go: (page) => page.getByTestId('vault-passphrase').waitFor() },
  'start-vault-open': { query: 'scenario=vault-open', go: (page) => page.getByTestId('vault-passphrase').waitFor() },
  'start-disk-full': { query: 'scenario=db-disk_full', go: (page) => page.getByTestId('retry-start').waitFor() },
  'start-profile': { query: 'scenario=profile', go: (page) => page.getByTestId('retry-start').waitFor() },
  help: { go: async (page) => (await row(page, 0).waitFor(), await page.keyboard.press('F1'), await page.getByTestId('help-errors').click(), page.locator('[data-anchors~="database"]').waitFor()) },
  'settings-backup': { go: async (page) => (await page.getByTestId('nav-settings').click(), await page.getByTestId('backup-choose').click(), await page.getByTestId('backup-now').waitFor(), page.getByTestId('backups').scrollIntoViewIfNeeded()) },
  'first-language': { query: 'scenario=first', go: (page) => page.getByTestId('language-uk').waitFor() },
  'first-secrets': { query: 'scenario=first&step=secrets', go: (page) => page.locator('[data-testid="first-secrets"][data-state="ready"]').waitFor() },
  'first-locked': { query: 'scenario=first&step=secrets&secrets=locked', go: (page) => page.getByTestId('vault-instead').waitFor() },
  'first-vault': { query: 'scenario=first&step=secrets&secrets=needs_vault', go: (page) => page.getByTestId('vault-passphrase').waitFor() },
  'first-data': { query: 'scenario=first&step=data', go: (page) => page.getByTestId('first-data').locator('.chip').waitFor() },
  'first-server': { query: 'scenario=first&step=data', go: async (page) => (await page.getByTestId('data-server').check(), await page.getByTestId('first-server-url').fill('bureau'), await page.getByTestId('first-next').click(), page.locator('[data-testid="first-server-url"][aria-invalid="true"]').waitFor()) },
  'first-backup': { query: 'scenario=first&step=data', go: async (page) => (await page.getByTestId('data-backup').check(), await page.getByTestId('pick-backup').click(), page.getByTestId('backup-found').waitFor()) },
  'first-account': { query: 'scenario=first&step=data', go: async (page) => (await page.getByTestId('first-next').click(), page.getByTestId('first-add').waitFor()) },
  'first-trouble': { query: 'scenario=first&step=data&trouble=disk_full', go: async (page) => (await page.getByTestId('first-next').click(), page.getByTestId('retry-start').waitFor()) },
  'first-adopt': { query: 'scenario=first&step=data', go: async (page) => (await page.getByTestId('data-adopt').check(), page.getByTestId('adopt-to-private').waitFor()) },
  'adopt-source': { query: 'scenario=first&step=data', go: async (page) => (await page.getByTestId('data-adopt').check(), await page.getByTestId('first-next').click(), page.locator('[data-testid="adopt-from"]:focus').waitFor()) },
  'adopt-looked': { query: 'adopt=looked', go: adopt },
  'adopt-running': { query: 'adopt=running', go: adopt },
  'adopt-trying': { query: 'adopt=handing_over', go: adopt },
  'adopt-accounts': { query: 'adopt=handed_over', go: adopt },
  'adopt-secrets': { query: 'adopt=handed_over', go: async (page) => (await adopt(page), await page.getByTestId('adopt-next').click(), page.getByTestId('adopt-sure').waitFor()) },
  'adopt-end': { query: 'adopt=emptied', go: async (page) => (await adopt(page), await page.getByTestId('adopt-next').click(), page.getByTestId('adopt-done').waitFor()) },
  'adopt-refused': { query: 'old=old_database_closed', go: async (page) => (await adopt(page), await page.getByTestId('adopt-from').fill('postgres://reader@127.0.0.1/crm'), await page.getByTestId('adopt-look').click(), page.locator('.adopt-body .banner.danger').waitFor()) },
  'mail-adopted': { query: 'adopted', go: async (page) => (await openFirst(page), page.getByTestId('adopted-waits').first().waitFor()) },
  'chat-adopted': { query: 'telegram&adopted', go: async (page) => (await chat(page, 't0'), page.getByTestId('adopted-waits').first().waitFor()) },
  'chat-unknown': { query: 'telegram&unknown', go: async (page) => (await chat(page, 't0'), page.getByTestId('composer-closed').waitFor()) },
  'inbox-first-run': { query: 'scenario=empty', go: (page) => page.getByTestId('add-mailbox').waitFor() },
  inbox: { go: (page) => row(page, 0).waitFor() },
  'inbox-compact': { query: 'compact', go: (page) => row(page, 0).waitFor() },
  'inbox-mail': { go: openFirst },
  'mail-bar': { go: async (page) => (await openFirst(page), page.getByTestId('mail-bar').waitFor()) },
  'mail-reply': { go: replying },
  'mail-warning': { go: async (page) => (await replying(page), await page.keyboard.press('Control+Enter'), page.getByTestId('mail-warning').waitFor()) },
  'mail-undo': { query: 'undo=60', go: async (page) => (await openFirst(page), await page.keyboard.press('KeyR'), await page.getByTestId('mail-text').fill('Дякую, усе отримали.'), await page.keyboard.press('Control+Enter'), page.getByTestId('mail-undo').waitFor()) },
  'mail-out': { query: 'undo=0', go: async (page) => (await outgoing(page), page.locator('[data-testid="outgoing-mail"][data-state="uncertain"]').waitFor()) },
  'mail-later': { go: async (page) => (await replying(page), await page.getByTestId('mail-later').click(), await page.getByTestId('later-choose').click(), page.getByTestId('mail-later-dialog').waitFor()) },
  outbox: { query: 'undo=0', go: async (page) => (await outgoing(page), await page.getByTestId('nav-outbox').click(), page.getByTestId('outgoing-mail').nth(3).waitFor()) },
  'new-mail': { go: composingMail },
  'inbox-waiting': { query: 'telegram', go: async (page) => (await page.getByTestId('nav-waiting').click(), await page.locator('[data-testid="nav-waiting"][aria-current]').waitFor(), await row(page, 0).click(), page.getByTestId('talk-done').waitFor()) },
  'inbox-done': { query: 'telegram', go: async (page) => (await page.getByTestId('nav-done').click(), await page.locator('[data-testid="conversation-turn"]').first().waitFor(), await row(page, 3).click(), page.getByTestId('talk-turn').waitFor()) },
  'inbox-bulk': { query: 'telegram', go: several },
  'inbox-put-aside': { query: 'telegram&compact', go: async (page) => (await several(page), await page.keyboard.press('KeyW'), page.getByTestId('triage-undo').waitFor()) },
  'inbox-nobody': { query: 'nobody', go: async (page) => (await row(page, 0).waitFor(), await page.getByTestId('nav-mine').click(), page.getByTestId('say-who').waitFor()) },
  'inbox-search': { go: search },
  'inbox-unreadable': { go: openUnreadable },
  accounts: { go: accounts },
  'accounts-remove': { go: async (page) => (await accounts(page), await page.getByTestId('account-remove').click(), page.getByTestId('confirm-remove').waitFor()) },
  'add-servers': { go: (page) => wizard(page, 'office@gmail.com') },
  'add-no-passwords': { go: (page) => wizard(page, 'office@outlook.com') },
  'add-tokens': { go: async (page) => (await wizard(page, 'office@gmail.com'), await page.getByTestId('auth-xoauth2').click(), await page.getByTestId('wizard-next').click(), page.locator('[data-testid="token-clientId"][aria-invalid="true"]').waitFor()) },
  'add-test-failed': { go: testFails },
  chat: { query: 'telegram', go: (page) => chat(page, 't0') },
  'chat-kinds': { query: 'telegram', go: async (page) => (await chat(page, 't2'), page.getByTestId('thread-scroll').evaluate((node) => node.scrollTo(0, 700))) },
  'chat-group': { query: 'telegram', go: (page) => chat(page, 't1') },
  'chat-removed': { query: 'telegram', go: removed },
  'chat-channel': { query: 'telegram', go: (page) => chat(page, 't4') },
  'chat-rtl': { query: 'telegram', go: (page) => chat(page, 't6') },
  'chat-composer': { query: 'telegram', go: composing },
  'chat-emoji': { query: 'telegram', go: async (page) => (await composing(page), await page.getByTestId('emoji-button').click(), await page.getByTestId('emoji-cell').first().waitFor(), page.keyboard.press('ArrowDown')) },
  'chat-later': { query: 'telegram', go: async (page) => (await chat(page, 't0'), await page.getByTestId('compose-text').fill('Нагадую **про довідку**'), await page.getByTestId('compose-later').click(), await page.getByTestId('later-tomorrow').click(), page.getByTestId('outgoing').waitFor()) },
  'chat-failed': { query: 'telegram', go: failing },
  'chat-pass-as-is': { query: 'telegram', go: async (page) => (await chat(page, 't0'), await page.getByTestId('message').nth(5).focus(), await page.keyboard.press('KeyF'), await page.getByTestId('pass-find').fill('Зоряна'), await page.getByTestId('pass-find-option').filter({ hasText: 'Зоряна' }).first().click(), page.getByTestId('pass-as-is').waitFor()) },
  'chat-viewer': { query: 'telegram', go: async (page) => (await chat(page, 't0'), await page.getByTestId('photo').first().click(), page.getByTestId('viewer').waitFor()) },
  'accounts-telegram': { query: 'telegram', go: async (page) => (await page.getByTestId('nav-accounts').click(), await telegramRow(page, 'tg-lviv').getByTestId('account-more').click(), await telegramRow(page, 'tg-dup').getByTestId('account-more').click(), telegramRow(page, 'tg-else').scrollIntoViewIfNeeded()) },
  'telegram-edit': { query: 'telegram', go: async (page) => (await page.getByTestId('nav-accounts').click(), await telegramRow(page, 'tg-lviv').getByTestId('account-more').click(), await page.getByTestId('account-edit').click(), page.getByTestId('edit-telegram').waitFor()) },
  'telegram-way': { query: 'telegram', go: telegram },
  'telegram-code': { query: 'telegram', go: async (page) => (await askCode(page), await page.getByTestId('telegram-code').fill('00000'), await page.keyboard.press('Enter'), page.locator('[data-testid="telegram-code"][aria-invalid="true"]').waitFor()) },
  'telegram-wait': { query: 'telegram', go: async (page) => (await askCode(page), await page.getByTestId('telegram-code').fill('33333'), await page.keyboard.press('Enter'), page.getByTestId('flood-wait').waitFor()) },
  'telegram-password': { query: 'telegram', go: async (page) => (await askCode(page), await page.getByTestId('telegram-code').fill('22222'), await page.keyboard.press('Enter'), page.getByTestId('two-step').waitFor()) },
  'telegram-chats': { query: 'telegram', go: async (page) => (await askCode(page), await page.getByTestId('telegram-code').fill('12345'), await page.keyboard.press('Enter'), page.getByTestId('kind-groups').waitFor()) },
  'telegram-qr': { query: 'telegram', go: async (page) => (await telegram(page), await page.getByTestId('way-qr').check(), await keys(page), await page.getByTestId('wizard-next').click(), page.getByTestId('qr').waitFor()) },
  'telegram-session': { query: 'telegram', go: async (page) => (await telegram(page), await page.getByTestId('way-session').check(), await page.getByTestId('session').fill(`1${'x'.repeat(60)}`), await page.getByTestId('wizard-next').click(), page.getByTestId('found-session').waitFor()) },
  person: { query: 'telegram&conversations=12', go: person },
  'person-linked': { query: 'telegram&conversations=12', go: async (page) => (await person(page), await page.getByTestId('person-same').click(), page.getByTestId('person-unlink').waitFor()) },
  'person-link': { query: 'telegram&conversations=12', go: async (page) => (await person(page), await page.getByTestId('person-link').click(), await page.getByTestId('find-person').fill('ярова'), await page.getByTestId('find-person-option').nth(1).waitFor(), page.keyboard.press('ArrowDown')) },
  'person-forget': { query: 'telegram&conversations=12', go: async (page) => (await person(page), await page.getByTestId('person-forget').click(), page.getByTestId('forget-stays').waitFor()) },
  'template-menu': { query: 'telegram&conversations=12', go: async (page) => (await person(page), await page.getByTestId('template-button').click(), page.getByTestId('template-find-option').first().waitFor()) },
  'template-unfilled': { query: 'telegram&conversations=12', go: async (page) => (await person(page), await page.getByTestId('compose-text').fill('{manager}'), await page.keyboard.press('Control+Enter'), page.getByTestId('compose-warning').waitFor()) },
  'chat-blank': { query: 'telegram&conversations=12', go: async (page) => (await newChat(page, '@petro_koval_example'), await page.getByTestId('nothing-yet').waitFor(), page.getByTestId('person-handle').waitFor()) },
  'new-chat': { query: 'telegram&conversations=12', go: async (page) => (await newChat(page, '+380 00 000 00 98'), page.getByTestId('new-chat-status').locator('.banner').waitFor()) },
  'new-chat-failed': { query: 'telegram&conversations=12', go: async (page) => (await newChat(page, '12'), await page.locator('[data-testid="new-chat-person"][aria-invalid="true"]').waitFor(), await page.getByTestId('new-chat-account').selectOption('tg-else'), await page.getByTestId('new-chat-person').fill('@petro_koval_example'), await page.keyboard.press('Enter'), page.getByTestId('new-chat-failed').waitFor()) },
  'pass-on': { query: 'telegram&conversations=12', go: passing },
  'pass-busy': { query: 'telegram&conversations=12', go: async (page) => (await passing(page), await page.evaluate(() => window.bureau.slow('beginPassingOn', 60_000)), await page.keyboard.press('Enter'), page.getByTestId('pass-busy').waitFor()) },
  'pass-failed': { query: 'telegram&conversations=12', go: async (page) => (await passing(page), await page.evaluate(() => window.bureau.fail('beginPassingOn', true)), await page.keyboard.press('Enter'), page.getByTestId('pass-failed').waitFor()) },
  'settings-templates': { go: async (page) => (await page.getByTestId('nav-settings').click(), await page.getByTestId('template-edit').first().click(), await page.getByTestId('template-name').fill(''), await page.keyboard.press('Enter'), page.locator('[data-testid="template-name"][aria-invalid="true"]').waitFor()) },
  logs: { go: async (page) => (await page.getByTestId('nav-logs').click(), await page.getByTestId('log-row').last().waitFor(), page.getByTestId('log-row').nth(9).click()) },
  away: { query: 'away', go: (page) => page.getByTestId('away').waitFor() },
  diagnostics: { go: async (page) => (await page.getByTestId('nav-diagnostics').click(), page.getByTestId('check').first().waitFor()) },
  settings: { query: 'quiet', go: (page) => page.getByTestId('nav-settings').click() },
  'settings-update': { go: async (page) => (await page.getByTestId('nav-settings').click(), await page.getByTestId('update-check').click(), await page.getByTestId('update-fetch').click(), await page.getByTestId('update-install').click(), page.locator('[data-testid="update-said"] .err').scrollIntoViewIfNeeded()) },
  'settings-people': { go: async (page) => (await page.getByTestId('nav-settings').click(), await page.getByTestId('person-new').fill('Марко Дуб'), await page.keyboard.press('Enter'), await page.getByTestId('hours-from').selectOption('20:00'), page.getByTestId('hours-bad').waitFor()) },
  'settings-notices': { query: 'quiet', go: async (page) => (await page.getByTestId('nav-settings').click(), page.getByTestId('close-to-tray').scrollIntoViewIfNeeded()) },
  keys: { go: async (page) => (await row(page, 0).waitFor(), page.keyboard.press('?')) },
  palette: { query: 'telegram', go: async (page) => (await row(page, 0).waitFor(), await page.keyboard.press('Control+KeyK'), await page.getByTestId('palette-find').fill('пр'), page.getByTestId('palette-find-option').nth(4).waitFor()) },
  link: { go: async (page) => (await row(page, 0).waitFor(), await page.evaluate(() => window.bureau.clickLink(true)), page.getByTestId('link-dialog').waitFor()) },
};

const telegramRow = (page: Page, id: string) => page.locator(`[data-testid="account-row"][data-id="${id}"]`);

async function chat(page: Page, id: string): Promise<void> {
  await page.getByTestId('filter-telegram').click();
  await page.locator(`[data-testid="conversation-row"][data-id="${id}"]`).click();
  await page.locator('[data-testid="message"]').first().waitFor();
}

/** A group in which somebody's data was removed. */
async function removed(page: Page): Promise<void> {
  await chat(page, 't1');
  const asks = page.getByTestId('message').filter({ hasText: 'Хто сьогодні бере іспанську?' }).first();
  await asks.hover();
  await asks.getByRole('button', { name: 'Дії з повідомленням' }).click();
  await page.getByTestId('message-forget').click();
  await page.getByTestId('forget-word').fill('Остап Криничний');
  await page.getByTestId('forget-do').click();
  await page.getByTestId('forget-dialog').waitFor({ state: 'detached' });
  await page.getByTestId('message-removed').first().waitFor();
  await page.getByTestId('thread-scroll').evaluate((node) => node.scrollTo(0, 200));
}

/** Somebody who likely writes by mail too. */
async function person(page: Page): Promise<void> {
  await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
  await page.getByTestId('person-likely').waitFor();
  await page.locator('[data-testid="message"]').first().waitFor();
}

async function newChat(page: Page, whom: string): Promise<void> {
  await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
  await page.getByTestId('composer').waitFor();
  await page.keyboard.press('Shift+KeyC');
  await page.getByTestId('new-chat-person').fill(whom);
  await page.keyboard.press('Enter');
}

/** A message with a file, and where it may go. */
async function passing(page: Page): Promise<void> {
  await page.locator('[data-testid="conversation-row"][data-id="t0"]').click();
  await page.getByTestId('message').nth(5).focus();
  await page.keyboard.press('KeyF');
  await page.getByTestId('pass-find').fill('а');
  await page.locator('[data-testid="pass-find-option"][aria-selected="true"]').waitFor();
}

async function composing(page: Page): Promise<void> {
  await chat(page, 't0');
  await page.getByTestId('message').nth(2).hover();
  await page.getByRole('button', { name: 'Дії з повідомленням' }).click();
  await page.getByTestId('message-reply').click();
  await page.getByTestId('compose-text').fill(`Дякую. ${'Перевіримо ще раз. '.repeat(220)}`);
  await page.getByTestId('compose-count').waitFor();
}

async function failing(page: Page): Promise<void> {
  await chat(page, 't0');
  for (const text of ['відмова', 'невідомо', 'чекає']) {
    await page.getByTestId('compose-text').fill(text);
    await page.keyboard.press('Control+Enter');
  }
  for (const state of ['failed', 'uncertain', 'waiting']) await page.locator(`[data-testid="outgoing"][data-state="${state}"]`).last().waitFor();
  await page.waitForTimeout(900);
}

async function telegram(page: Page): Promise<void> {
  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('add-mailbox').click();
  await page.getByTestId('channel-telegram').check();
  await page.getByTestId('way-phone').waitFor({ state: 'attached' });
}

async function keys(page: Page): Promise<void> {
  await page.getByTestId('api-id').fill('17349');
  await page.getByTestId('api-hash').fill('0123456789abcdef0123456789abcdef');
}

async function askCode(page: Page): Promise<void> {
  await telegram(page);
  await page.getByTestId('phone').fill('+380 00 000 00 11');
  await keys(page);
  await page.getByTestId('wizard-next').click();
  await page.getByTestId('telegram-code').waitFor();
}

/** Three conversations are chosen, a chat among them is open. */
async function several(page: Page): Promise<void> {
  await row(page, 6).click();
  await page.getByTestId('talk-done').waitFor();
  for (const index of [2, 4]) await row(page, index).click({ modifiers: ['Control'] });
  await page.getByTestId('bulk-bar').waitFor();
  await page.mouse.move(900, 20);
}

async function adopt(page: Page): Promise<void> {
  await page.getByTestId('nav-settings').click();
  await page.getByTestId('adopt-open').click();
  await page.getByTestId('adopt').waitFor();
}

async function openFirst(page: Page): Promise<void> {
  await row(page, 0).click();
  await page.getByTestId('message-frame').first().waitFor();
}

async function replying(page: Page): Promise<void> {
  await openFirst(page);
  await page.getByTestId('mail-reply-all').click();
  await page.getByTestId('mail-cc').fill('new@example.org, хибна адреса,');
  await page.getByTestId('mail-attach').setInputFiles([{ name: 'Оновлений розрахунок, лот 4, остаточний варіант.xlsx', mimeType: 'application/octet-stream', buffer: Buffer.alloc(84_000) }]);
  await page.getByTestId('mail-file').waitFor();
  await page.getByTestId('mail-address').filter({ hasText: 'хибна адреса' }).getByRole('button').click();
  await page.getByTestId('mail-text').fill('Добрий день, пане Остапе!\nДякую, файли отримав. Оновлений розрахунок у вкладенні, додаток 3 порахував двома мовами.');
}

async function outgoing(page: Page): Promise<void> {
  await openFirst(page);
  for (const text of ['Рахунок частково оплачено.', 'Прийде згодом.', 'Кур’єру невідомо, куди їхати.']) {
    await page.getByTestId('mail-reply-all').click();
    await page.getByTestId('mail-text').fill(text);
    await page.keyboard.press('Control+Enter');
    await page.getByTestId('mail-composer').waitFor({ state: 'detached' });
  }
  await page.getByTestId('mail-reply').click();
  await page.getByTestId('mail-text').fill('Нагадую про оплату.');
  await page.getByTestId('mail-later').click();
  await page.getByTestId('later-tomorrow').click();
  await page.getByTestId('outgoing-mail').nth(3).waitFor();
  await page.waitForTimeout(600);
}

async function composingMail(page: Page): Promise<void> {
  await row(page, 0).waitFor();
  await page.keyboard.press('KeyC');
  await page.getByTestId('mail-to').fill('Петро Коваль <petro@example.org>, ');
  await page.getByTestId('mail-subject').fill('Пропозиція на переклад технічної документації');
  await page.getByTestId('mail-text').fill('Вітаю!');
}

async function openUnreadable(page: Page): Promise<void> {
  await row(page, 11).click();
  await page.getByTestId('save-original').first().waitFor();
}

async function search(page: Page): Promise<void> {
  await page.getByTestId('search-input').fill('диплом');
  await page.locator('mark').first().waitFor();
}

async function accounts(page: Page): Promise<void> {
  await page.getByTestId('nav-accounts').click();
  await page.locator('[data-id="acc-pry"]').getByTestId('account-more').click();
}

async function wizard(page: Page, address: string): Promise<void> {
  await page.getByTestId('nav-accounts').click();
  await page.getByTestId('add-mailbox').click();
  await page.getByTestId('mailbox-address').fill(address);
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-step="servers"]').waitFor();
}

async function testFails(page: Page): Promise<void> {
  await wizard(page, 'office@gmail.com');
  await page.getByTestId('mailbox-password').fill('wrong');
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-step="since"]').waitFor();
  await page.getByTestId('wizard-next').click();
  await page.locator('[data-state="failed"]').first().waitFor();
}

async function shown(name: string, opening: Opening = {}): Promise<Page> {
  const screen = screens[name];
  const page = await open({ ...opening, query: [screen?.query, opening.query].filter(Boolean).join('&') });
  await screen?.go?.(page);
  await page.evaluate(() => document.fonts.ready);
  await drawn(page);
  return page;
}

interface Violation {
  id: string;
  help: string;
  nodes: { target: unknown; failureSummary?: string }[];
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(await axeSource());
  const found = await page.evaluate(() => (window as unknown as { axe: { run: (root: Document, options: unknown) => Promise<{ violations: Violation[] }> } }).axe.run(document, { iframes: false }));
  return found.violations.flatMap((violation) => violation.nodes.map((node) => `${violation.id}: ${JSON.stringify(node.target)} ${node.failureSummary ?? ''}`));
}

let source: string | undefined;
const axeSource = async () => (source ??= await (await import('node:fs/promises')).readFile(axe, 'utf8'));

test.each(Object.keys(screens))('%s has no accessibility violation, no fault and breaks no policy, light and dark', async (name) => {
  const page = await shown(name);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await drawn(page);
    await page.screenshot({ path: `${pictures}${name}-1440${colorScheme === 'dark' ? '-dark' : ''}.png` });
    expect(await violations(page)).toEqual([]);
  }
  expect(faults.get(page)).toEqual([]);
  await page.context().close();
});

test.each(['help', 'adopt-looked', 'adopt-accounts', 'settings-backup', 'first-server', 'first-vault', 'inbox-mail', 'inbox-done', 'inbox-bulk', 'inbox-put-aside', 'settings-people', 'mail-reply', 'mail-out', 'mail-undo', 'new-mail', 'outbox', 'chat', 'chat-kinds', 'chat-failed', 'person-linked', 'person-forget', 'chat-blank', 'new-chat', 'new-chat-failed', 'pass-on', 'pass-failed', 'template-menu', 'template-unfilled', 'settings-templates', 'telegram-way', 'telegram-code', 'telegram-qr', 'telegram-session', 'telegram-chats', 'telegram-edit', 'accounts-telegram', 'accounts', 'add-test-failed', 'logs', 'away', 'diagnostics', 'settings', 'start-vault-new'])('%s fits every width, in the language with the longest words', async (name) => {
  const page = await shown(name, { query: 'language=pl' });
  for (const [width, height] of [[1920, 1080], [1200, 800], [1024, 700], [800, 600], [720, 450]] as const) {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await drawn(page);
      await page.screenshot({ path: `${pictures}${name}-${width}${colorScheme === 'dark' ? '-dark' : ''}.png` });
    }
    expect(await overflowing(page), `${width}`).toEqual([]);
  }
  await page.context().close();
});

/** What reaches out of the window. */
const overflowing = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('*')]
      .filter((node) => node.getBoundingClientRect().right > innerWidth + 1 && node.checkVisibility() && !node.closest('.vh, svg, .virtual'))
      .map((node) => `${node.tagName} ${node.className}`),
  );

test('what a rail leaves out for the eye keeps its name', async () => {
  const page = await shown('inbox', { width: 1024, height: 700 });
  for (const name of ['Усі розмови', 'Журнал', 'Налаштування']) expect(await page.getByRole('button', { name: new RegExp(`^${name}`) }).count()).toBe(1);
  expect(await page.getByTestId('nav-logs').innerText()).toBe('Журнал');
});

test('forced colours keep every state’s shape and word', async () => {
  const page = await shown('accounts');
  await page.emulateMedia({ forcedColors: 'active' });
  await drawn(page);
  await page.screenshot({ path: `${pictures}accounts-forced.png` });
  for (const state of await page.getByTestId('account-row').locator('.state').all()) expect((await state.textContent())?.trim()).not.toBe('');
});
