// The old CRM taken over in the real window: from the first run's choice to the adopted conversation and a live mailbox.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { API, ARTEFACTS, Lab, OldCrm, Profile, Telegram, Window, deliver, evidence, until, windowTest } from './harness.mjs';

const OFFICE = { user: 'office', address: 'office@skrynka.test', password: 'пошта-2023' };
const CLIENT = 'olena@example.net';
const MESSAGES = 1_200;
const uuid = (kind, number) => `0000000${kind}-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** What the old system holds: a mailbox that works, a Telegram account without a session, one client's conversation. */
function rows(lab) {
  const [host, port] = lab.endpoints.imaps.split(':');
  const [smtpHost, smtpPort] = lab.endpoints.smtps.split(':');
  const talk = uuid(1, 1);
  return [
    `INSERT INTO users VALUES ('${uuid(5, 1)}', 'marko@example.org', 'Марко', 'Дуб', 'MANAGER', true)`,
    `INSERT INTO telegram_accounts (name, phone, session_string, api_id, is_active) VALUES ('Київ', '+380000000001', '', NULL, true)`,
    `INSERT INTO manager_smtp_accounts VALUES (7, 'Бюро', '${OFFICE.address}', '${smtpHost}', ${smtpPort}, '${OFFICE.user}', '${OFFICE.password}', ' ${host} ', ${port}, true)`,
    `INSERT INTO crm_clients VALUES (1204, 'Олена Вербицька', '${CLIENT}', NULL, 'site')`,
    `INSERT INTO communications_conversations VALUES ('${talk}', 1204, 'email', '${CLIENT}', 'Переклад диплома', 7, '${uuid(5, 1)}', false, '2025-03-01 10:00+00')`,
    `INSERT INTO communications_conversations VALUES ('${uuid(1, 2)}', NULL, 'whatsapp', '380000000098', NULL, NULL, NULL, false, '2025-03-01 10:00+00')`,
    `INSERT INTO communications_messages SELECT ('00000002-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, '${talk}', CASE WHEN n % 3 = 0 THEN 'outbound' ELSE 'inbound' END, 'text', 'Старий лист ' || n, 'read', NULL, NULL, NULL, NULL, '<old-' || n || '@example.net>', timestamptz '2025-03-02 10:00+00' + n * interval '1 hour' FROM generate_series(1, ${MESSAGES}) n`,
    `INSERT INTO communications_messages VALUES ('${uuid(3, 1)}', '${talk}', 'outbound', 'text', 'Цього не надіслано', 'failed', NULL, NULL, NULL, NULL, NULL, '2025-04-21 09:30+00')`,
    `INSERT INTO communications_attachments VALUES ('${uuid(4, 1)}', '${uuid(2, MESSAGES)}', '/media/диплом.pdf', 'file', 'application/pdf', 'диплом.pdf', 9, now())`,
    `INSERT INTO communications_attachments VALUES ('${uuid(4, 2)}', '${uuid(2, MESSAGES)}', '/media/загублений.pdf', 'file', 'application/pdf', 'загублений.pdf', 9, now())`,
    `INSERT INTO internal_notes (entity_type, entity_id, author_name, text, created_at) VALUES ('conversation', '${talk}', 'Марко Дуб', 'Просить рахунок польською', '2025-03-03 10:00+00')`,
  ];
}

windowTest('the old CRM comes over from the first run on, and its mailbox is live', { timeout: 180_000 }, async () => {
  const lab = await Lab.start();
  const profile = new Profile({ fresh: true });
  let old;
  let window;
  try {
    await lab.ask('add_user', { user: OFFICE.user, password: OFFICE.password });
    old = await OldCrm.start(rows(lab));
    writeFileSync(join(old.media, 'диплом.pdf'), '%PDF-1.4\n');
    // Somebody had come as far as the keyring, and had named the folder.
    writeFileSync(join(profile.folder, 'settings.json'), JSON.stringify({ language: 'uk', first_run: 'secrets', adoption: { media: old.media } }));

    window = await Window.open(profile);
    await window.makeVault('довга фраза для скриньки');
    await window.press('first-next');
    await window.press('data-adopt');
    await window.picture(join(ARTEFACTS, 'adopt-choice.png'));
    await window.press('first-next');

    // A wrong password is said in words, and what was typed is kept but for the password.
    await window.find('adopt', { page: 'source' }, 60_000);
    await window.type('adopt-from', old.url('reader'));
    await window.type('adopt-password', 'не той');
    await window.type('adopt-card', 'https://crm.example.org/clients/{id}');
    await window.press('adopt-look');
    await window.shows('adopt', 'роль або пароль не підійшли', 60_000);
    await window.picture(join(ARTEFACTS, 'adopt-refused.png'));

    // As its owner, who may empty the secrets later.
    await window.type('adopt-from', old.url('owner'));
    await window.type('adopt-password', old.password);
    await window.press('adopt-look');
    await window.find('adopt', { step: 'looked' }, 60_000);
    await window.find('adopt-thing', { thing: 'messages', new: String(MESSAGES + 1) });
    await window.find('adopt-remark', { why: 'other_network' });
    await window.find('adopt-thing', { thing: 'files', found: '2', new: '1' });
    await window.find('adopt-remark', { why: 'no_file' });
    await window.picture(join(ARTEFACTS, 'adopt-report.png'));
    await window.press('adopt-run');
    // Whoever reloads the page finds it where it is.
    await window.driver.navigate().refresh();
    await window.find('adopt', { step: 'came' }, 90_000);
    await window.find('adopt-thing', { thing: 'messages', new: String(MESSAGES + 1) });
    await window.press('adopt-next');

    // The listeners are said to be stopped before anything is tried. The server's certificate is the lab's own.
    await window.press('adopt-stopped');
    await window.press('adopt-try');
    await window.find('adopt-account', { name: OFFICE.address, state: 'refused' }, 60_000);
    await window.find('adopt-account', { name: 'Київ', state: 'refused' });
    await window.picture(join(ARTEFACTS, 'adopt-accounts.png'));

    // The repair leads to the account and back here, and the second try works.
    await repair(window, lab);
    await window.find('adopt', { page: 'accounts' });
    await window.press('adopt-stopped');
    await window.press('adopt-again');
    await window.find('adopt-account', { name: OFFICE.address, state: 'live' }, 60_000);
    await window.press('adopt-next');
    await window.press('adopt-sure');
    await window.press('adopt-empty');
    await window.find('adopt', { step: 'emptied' }, 30_000);
    await window.picture(join(ARTEFACTS, 'adopt-emptied.png'));
    await window.press('adopt-next');
    await window.find('adopt-done');
    await window.press('adopt-end');

    // The adopted conversation, with what came beside it, and a mail that arrives just now.
    await window.pressRow('Олена Вербицька');
    await window.find('adopted-unsent');
    await window.find('adopted-waits');
    await window.shows('adopted-missing', 'загублений.pdf');
    await window.shows('thread', 'диплом.pdf');
    await window.shows('person-note', 'Просить рахунок польською');
    await window.find('person-card');
    await window.picture(join(ARTEFACTS, 'adopt-inbox.png'));
    await deliver(lab, OFFICE.user, 'Щойно надійшло');
    await window.shows('conversation-list', 'Щойно надійшло', 60_000);
    await window.close();
    window = undefined;

    const left = await old.ask("SELECT 'left=' || string_agg(smtp_password, ',') AS left FROM manager_smtp_accounts");
    assert.match(left, /left = "left="/, 'the old password is emptied');
    assert.ok(!JSON.stringify(profile.logged('')).includes(old.password), 'the old password is in no log');
  } finally {
    await window?.close();
    await profile.remove();
    await old?.remove();
    await lab.stop();
  }
});

const PHONE = '380445550171';
const TALK = ['Добрий день, чи готовий переклад договору?', 'Так, можете забрати після четвертої.', 'Дякую, буду о п’ятій.'];

/** Of Telegram: an account whose session works, one talk of which the server holds two messages; and a mailbox. A database beside
 * it is the team's. */
function telegramRows(lab, session, password) {
  const [host, port] = lab.endpoints.imaps.split(':');
  const [smtpHost, smtpPort] = lab.endpoints.smtps.split(':');
  const talk = uuid(1, 1);
  const message = (number, direction, text) => `INSERT INTO communications_messages VALUES ('${uuid(2, number)}', '${talk}', '${direction}', 'text', '${text.replaceAll("'", "''")}', 'read', NULL, NULL, NULL, NULL, NULL, now() - interval '${60 - number} seconds')`;
  return [
    `CREATE ROLE bureau LOGIN PASSWORD '${password}'`,
    'CREATE DATABASE bureau OWNER bureau',
    `INSERT INTO telegram_accounts (name, phone, session_string, api_id, api_hash, is_active) VALUES ('Київ', '+${PHONE}', '${session}', ${API.id}, '${API.hash}', true)`,
    `INSERT INTO manager_smtp_accounts VALUES (7, 'Бюро', '${OFFICE.address}', '${smtpHost}', ${smtpPort}, '${OFFICE.user}', '${OFFICE.password}', '${host}', ${port}, true)`,
    `INSERT INTO communications_conversations VALUES ('${talk}', NULL, 'telegram', '@olena_sh', NULL, NULL, NULL, false, now())`,
    message(1, 'inbound', TALK[0]),
    message(2, 'outbound', 'Лише стара CRM пам’ятає це'),
    message(3, 'inbound', TALK[2]),
  ];
}

windowTest('into a team’s server: a Telegram account goes on with its session, trying and emptying are stopped and gone on with', { timeout: 180_000 }, async () => {
  const lab = await Lab.start();
  const profile = new Profile({ fresh: true });
  let old;
  let window;
  try {
    await lab.ask('add_user', { user: OFFICE.user, password: OFFICE.password });
    const telegram = await Telegram.start(lab, profile);
    const { account, telethon } = await telegram.ask('add_account', { phone: PHONE, first_name: 'Бюро' });
    const olena = await telegram.ask('add_user', { first_name: 'Олена', last_name: 'Шевченко', username: 'olena_sh' });
    await telegram.says(olena, account, TALK[0], 'silent');
    await telegram.says(olena, account, TALK[2], 'silent');
    const teams = 'командна-2025';
    old = await OldCrm.start(telegramRows(lab, telethon, teams), { durable: true });

    window = await Window.open(profile, { environment: { SSL_CERT_FILE: lab.endpoints.ca_file } });
    await window.press('language-uk');
    await window.press('first-next');
    await window.makeVault('довга фраза для скриньки');
    await window.press('first-next');
    await window.press('data-adopt');
    await window.press('adopt-to-server');
    await window.type('first-server-url', old.url('bureau', 'bureau'));
    await window.type('first-server-password', teams);
    await themes(window, 'adopt-to-server');
    await window.press('first-next');

    await window.find('adopt', { page: 'source' }, 60_000);
    await window.type('adopt-from', old.url('owner'));
    await window.type('adopt-password', old.password);
    await window.press('adopt-look');
    await window.find('adopt', { step: 'looked' }, 60_000);
    await window.find('adopt-thing', { thing: 'messages', new: '3' });
    await window.press('adopt-run');
    await window.find('adopt', { step: 'came' }, 90_000);
    await window.press('adopt-next');

    // Telegram says nothing while the first account is tried: stopped now, the mailbox is not begun.
    await telegram.lead();
    await telegram.ask('freeze');
    await window.press('adopt-stopped');
    await window.press('adopt-try');
    await window.find('adopt-progress', { phase: 'trying' });
    await window.shows('adopt-progress', '0 з 2');
    await window.press('adopt-stop');
    await window.find('adopt-stopping');
    await window.picture(join(ARTEFACTS, 'adopt-stopping.png'));
    await telegram.ask('thaw');
    await window.find('adopt-account', { name: 'Київ', state: 'live' }, 60_000);
    await window.shows('adopt', 'Ще не перевірено 1 акаунт');
    assert.equal((await window.findAll('adopt-account')).length, 1, 'the mailbox was not begun');
    await themes(window, 'adopt-stopped');
    await window.press('adopt-go-on');
    await window.find('adopt-account', { name: OFFICE.address, state: 'live' }, 60_000);
    await window.find('adopt-account', { name: 'Київ', state: 'live' });
    await window.press('adopt-next');
    await window.press('adopt-sure');
    await window.press('adopt-empty');
    await window.find('adopt', { step: 'emptied' }, 30_000);
    await themes(window, 'adopt-emptied');
    await window.press('adopt-next');
    await window.press('adopt-end');

    // The account is live on the session that it had: what the server pushes now is painted, in the talk that came over.
    await window.pressRow('Олена Шевченко');
    await window.shows('thread', TALK[2], 60_000);
    await window.shows('thread', 'Лише стара CRM пам’ятає це');
    const live = 'І ще одне: чи можна карткою?';
    await until('a pushed message', async () => {
      await telegram.says(olena, account, live);
      return window.shows('thread', live, 5_000).then(() => true, () => false);
    }, { within: 90_000 });
    await themes(window, 'adopt-team-inbox');
    assert.deepEqual((await telegram.ask('stats')).greatest_with_one_key, 1, 'the session was never used twice at once');
    await window.close();
    window = undefined;
    const left = await old.ask("SELECT 'left=' || string_agg(session_string || api_hash, ',') || (SELECT string_agg(smtp_password, ',') FROM manager_smtp_accounts) AS left FROM telegram_accounts");
    assert.match(left, /left = "left="/, 'what works here is emptied there');
    const stored = await old.ask("SELECT 'stored=' || count(*) FILTER (WHERE body_text LIKE 'Добрий день%') || '/' || count(*) FILTER (WHERE body_text LIKE 'Лише стара%') AS stored FROM skrynka.messages", 'bureau');
    assert.match(stored, /stored = "stored=1\/1"/, 'it stands in the team’s database, each once');
    evidence('P7 the old CRM', 'taken over into a team’s server; a Telegram session goes on', 'stopped between two accounts, gone on with, live');
  } finally {
    await window?.close();
    await profile.remove();
    await old?.remove();
    await lab.stop();
  }
});

/** Pictures in both themes. */
async function themes(window, name) {
  for (const theme of ['dark', 'light']) {
    await window.theme(theme);
    await window.picture(join(ARTEFACTS, `${name}-${theme}.png`));
  }
}

/** The mailbox' servers, as the lab has them. */
async function repair(window, lab) {
  await window.driver.executeScript((name) => document.querySelector(`[data-testid="adopt-account"][data-name="${name}"] [data-testid="adopt-repair"]`).click(), OFFICE.address);
  await window.find('wizard', { step: 'servers' });
  await window.typeServers(lab);
  await window.press('wizard-next');
  await window.press('wizard-next');
  await window.find('wizard', { step: 'test' });
  await window.press('wizard-next');
  await window.find('wizard', { step: 'done' });
  await window.press('wizard-done');
}
