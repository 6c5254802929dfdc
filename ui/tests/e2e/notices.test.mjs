// Notices of the system, the tray and closing to it, in the real window beside a real notification daemon.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { APP, ARTEFACTS, Lab, Profile, Session, Window, evidence, until, windowTest } from './harness.mjs';

const MAILBOX = { user: 'notices', name: 'Сповіщення', address: 'notices@skrynka.test', password: 'пароль-2025' };
/** After a message was painted, no notice of it comes any more. */
const QUIET = 2500;
const NIGHT = 300;
const CLOSER = fileURLToPath(new URL('harness/close.py', import.meta.url));

let number = 0;

/** Delivers a mail; `to` names the mail it answers. Returns its own name. */
async function deliver(lab, { from, subject, text = 'Чи вже готово?', to }) {
  const id = `n${++number}@example.net`;
  const head = [`From: ${from}`, `Subject: ${subject}`, `Message-ID: <${id}>`, ...(to ? [`In-Reply-To: <${to}>`, `References: <${to}>`] : []), 'Content-Type: text/plain; charset=utf-8'];
  await lab.ask('deliver', { user: MAILBOX.user, raw: `${head.join('\n')}\n\n${text}\n` });
  return id;
}

/** `old` mails lie in the mailbox before it is added. */
async function withOffice({ old = 0, ...options }, work) {
  const lab = await Lab.start();
  const profile = new Profile();
  const session = await Session.start(options);
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    if (old > 0) await lab.ask('fill_bench', { user: MAILBOX.user, count: old });
    await profile.addMailbox(lab, MAILBOX);
    await work({ lab, profile, session, open: () => Window.open(profile, { environment: session.environment }) });
  } finally {
    await session.stop();
    await profile.remove();
    await lab.stop();
  }
}

/** What a window manager sends when its cross is pressed (ICCCM 4.2.8.1). */
function closeByTitleBar(pid) {
  execFileSync('/usr/bin/python3', [CLOSER, String(pid)], { stdio: 'inherit' });
}

async function live(window) {
  await window.press('nav-accounts');
  await window.find('account-row', { state: 'live' });
  await window.press('nav-inbox');
}

/** Opens the row that shows this text. */
async function openRow(window, text) {
  await window.shows('conversation-list', text);
  const rows = await window.findAll('conversation-row');
  for (const row of rows) if ((await row.getText()).includes(text)) return row.click();
  throw new Error(`no row with ${text}`);
}

/** What the first element says; the driver's own reading finds no text in a window that was just brought forward. */
function said(window, selector) {
  return window.driver.executeScript('return document.querySelector(arguments[0])?.textContent.trim()', selector);
}

/** Waits until a text is in the list and then as long as a notice would take; says how many notices there are. */
async function silently(window, session, text) {
  await window.shows('conversation-list', text);
  await new Promise((wake) => setTimeout(wake, QUIET));
  return session.notices.length;
}

windowTest('a message is told with sender and words, a click opens it; muted, in front and do not disturb are silent', { timeout: 240_000 }, () =>
  withOffice({}, async ({ lab, session, open }) => {
    const window = await open();
    try {
      await live(window);
      await deliver(lab, { from: 'Taras <taras@example.net>', subject: 'Інше' });
      await session.notice(0);
      const olena = await deliver(lab, { from: 'Олена Вербицька <olena@example.net>', subject: 'Диплом', text: 'Добрий день! <b>Чи</b> готово & коли?' });
      const told = await session.notice(1);
      assert.match(told.title, /^Олена Вербицька · Сповіщення$/);
      assert.match(told.body, /^Диплом\n/);
      assert.ok(/<b>Чи<\/b> готово & коли\?/.test(told.body) || /&lt;b&gt;Чи&lt;\/b&gt; готово &amp; коли\?/.test(told.body), told.body);

      await window.press('nav-settings');
      await session.click();
      await window.shows('thread', 'Чи вже готово?');
      assert.equal(await said(window, '[data-testid="conversation-row"][aria-selected="true"] b'), 'Taras');
      evidence('Notices', 'a click on a notice of the system', 'opens its conversation from another screen');

      // Read here, it needs no notice any more; that of the other one still stands.
      await openRow(window, 'Диплом');
      await until('its notice to be withdrawn', async () => (await session.shown()) === 0);

      const again = { from: 'Олена Вербицька <olena@example.net>', to: olena, subject: 'Re: Диплом' };
      await deliver(lab, { ...again, text: 'Перед очима' });
      assert.equal(await silently(window, session, 'Перед очима'), 2, 'nothing of the conversation in front');

      await openRow(window, 'Інше');
      await deliver(lab, { ...again, text: 'Уже не перед очима' });
      assert.match((await session.notice(2)).body, /Уже не перед очима/);

      await openRow(window, 'Диплом');
      await window.driver.actions().sendKeys('b').perform();
      await window.find('talk-muted');
      await window.find('conversation-muted');
      await window.picture(join(ARTEFACTS, 'notices-muted.png'));
      await openRow(window, 'Інше');
      await deliver(lab, { ...again, text: 'Без сповіщень' });
      assert.equal(await silently(window, session, 'Без сповіщень'), 3, 'nothing of a muted conversation');

      await window.press('nav-settings');
      await window.press('notice-preview');
      await deliver(lab, { from: 'Наталя <natalia@example.net>', subject: 'Таємне', text: 'Не для чужих очей' });
      const bare = await session.notice(3);
      assert.ok(!`${bare.title} ${bare.body}`.includes('Наталя') && !bare.body.includes('Таємне') && bare.body.includes('Сповіщення'), JSON.stringify(bare));

      await window.press('notice-doNotDisturb');
      await window.picture(join(ARTEFACTS, 'notices-settings.png'));
      await window.theme('dark');
      await window.picture(join(ARTEFACTS, 'notices-settings-dark.png'));
      await window.press('nav-inbox');
      await deliver(lab, { from: 'Юрій <yurii@example.net>', subject: 'Не зараз' });
      assert.equal(await silently(window, session, 'Не зараз'), 4, 'nothing while nobody is to be disturbed');
      evidence('Notices', 'in front, muted, do not disturb', '0 notices; 4 of 4 others with their words');
    } finally {
      await window.close();
    }
  }));

windowTest(`${NIGHT} mails of a night are one notice with a count, and a first sync none`, { timeout: 240_000 }, () =>
  withOffice({ old: 200 }, async ({ lab, session, open }) => {
    let window = await open();
    await live(window);
    await new Promise((wake) => setTimeout(wake, QUIET));
    assert.deepEqual(session.notices, [], 'a first sync tells nobody');
    await window.close();
    for (let mail = 0; mail < NIGHT; mail++) await deliver(lab, { from: `Клієнт ${mail} <c${mail % 50}@example.net>`, subject: `Ніч ${mail}` });
    window = await open();
    try {
      const all = new RegExp(`^${NIGHT} `);
      await until('the count of the night', () => session.notices.some(({ body }) => all.test(body)));
      const ids = new Set(session.notices.map(({ id }) => id));
      assert.equal(ids.size, 1, `one notice whose count grew: ${JSON.stringify(session.notices)}`);
      assert.equal(await session.shown(), 1);
      evidence('Notices', `${NIGHT} mails while nobody was there`, '1 notice');
      await session.click();
      await until('what is unread', async () => (await said(window, '[data-testid="filter-unread"][aria-pressed="true"]')) === 'Unread');
    } finally {
      await window.close();
    }
  }));

windowTest('the tray counts, the window closes into it and comes back, and its menu ends the program', { timeout: 240_000 }, () =>
  withOffice({ tray: true }, async ({ lab, profile, session, open }) => {
    const window = await open();
    try {
      await live(window);
      const icon = await session.icon();
      const picture = () => session.iconProperty(icon, 'IconName');
      const empty = readFileSync(await until('the icon’s picture', async () => existsSync(await picture()) && picture()));
      await deliver(lab, { from: 'Олена <olena@example.net>', subject: 'Одна' });
      await session.notice(0);
      const counted = await until('a count on the icon', async () => {
        const file = await picture();
        return existsSync(file) && !readFileSync(file).equals(empty) && file;
      });
      copyFileSync(counted, join(ARTEFACTS, 'tray-1.png'));

      await session.choose(icon, 'Do not disturb');
      const settings = join(profile.folder, 'settings.json');
      await until('the settings to be kept', async () => existsSync(settings) && JSON.parse(readFileSync(settings, 'utf8')).notices?.do_not_disturb === true);
      await window.press('nav-settings');
      await window.driver.wait(async () => (await (await window.find('notice-doNotDisturb')).getAttribute('aria-checked')) === 'true', 10_000);

      const [program] = window.processes();
      assert.ok(program);
      const hidden = () => window.driver.executeScript('return document.hidden');
      assert.equal(await hidden(), false);
      await closeByTitleBar(program);
      await until('the window to be hidden', hidden);
      assert.match((await session.notice(1)).title, /keeps running/);
      assert.deepEqual(window.processes(), [program], 'the program goes on');

      const again = spawn(APP, profile.arguments, { env: { ...profile.environment, ...session.environment }, stdio: 'ignore' });
      assert.deepEqual(await once(again, 'exit'), [0, null]);
      await until('the window to come back', async () => !(await hidden()));

      await session.choose(icon, 'Quit');
      await until('the program to end', () => window.processes().length === 0);
    } finally {
      await window.close();
    }
  }));
