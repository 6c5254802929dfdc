// A manager's hour by the keyboard alone: what waits on both networks is read, answered, taken and done.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { Key } from 'selenium-webdriver';

import { ARTEFACTS, Lab, Profile, Telegram, Window, evidence, until, windowTest } from './harness.mjs';

const EACH = 25;
const ME = 'Ірина Коваль';
const PHONE = '380445550177';
const MAILBOX = { user: 'hour', name: 'Пошта бюро', address: 'hour@skrynka.test', password: 'година-2026' };

const letter = (number) => `From: Клієнт ${number} <client${number}@example.org>
To: <${MAILBOX.address}>
Subject: Order ${number}
Message-ID: <hour${number}@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

How much is order ${number}?
`;

/** The open conversation as the window names it. */
const opened = (window) => window.driver.executeScript(() => document.querySelector('main.talk h1')?.textContent?.trim() ?? '');
const inField = (window) => window.driver.executeScript(() => ['TEXTAREA', 'INPUT'].includes(document.activeElement?.tagName ?? ''));

windowTest(`${2 * EACH} conversations of two networks are answered and done without a pointer`, { timeout: 400_000 }, async () => {
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    const telegram = await Telegram.start(lab, profile);
    const { account, telethon } = await telegram.ask('add_account', { phone: PHONE, first_name: 'Бюро' });
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    for (let number = 0; number < EACH; number++) {
      await lab.ask('deliver', { user: MAILBOX.user, raw: letter(number) });
      const customer = await telegram.ask('add_user', { first_name: `Замовник ${number}` });
      await telegram.says(customer, account, `Скільки коштує переклад ${number}?`, 'silent');
    }
    await profile.addMailbox(lab, MAILBOX);
    await telegram.addAccount(profile, { name: 'Телеграм бюро', phone: PHONE, session: telethon });
    await profile.run(['listen', '--until-idle']);

    const window = await Window.open(profile);
    const keys = (...pressed) => window.driver.actions().sendKeys(...pressed).perform();
    const counts = () => window.driver.executeAsyncScript((done) => window.__TAURI_INTERNALS__.invoke('counts').then(done));
    try {
      await window.find('conversation-row');
      await window.driver.executeAsyncScript((me, done) => {
        const invoke = window.__TAURI_INTERNALS__.invoke;
        void invoke('preferences').then((preferences) => invoke('set_preferences', { preferences: { ...preferences, me, managers: [me, 'Марко Дуб'], undoSeconds: 0 } })).then(() => done());
      }, ME);
      assert.equal((await counts()).waiting, 2 * EACH);
      await keys('g');
      await keys('w');
      await window.driver.wait(async () => (await window.findAll('conversation-row')).length > 5, 10_000);
      await keys('j');
      const begun = Date.now();
      const seen = new Set();
      for (let number = 0; number < 2 * EACH; number++) {
        await keys(Key.ENTER);
        const name = await until('the next conversation', async () => {
          const name = await opened(window);
          return name !== '' && !seen.has(name) && name;
        }, { within: 10_000 });
        seen.add(name);
        await keys('r');
        await until('the field', () => inField(window), { within: 10_000 });
        await keys(`Answer to ${name}: 500`);
        await window.driver.actions().keyDown(Key.CONTROL).sendKeys(Key.ENTER).keyUp(Key.CONTROL).perform();
        await window.shows('thread', `Answer to ${name}: 500`, 15_000);
        await until('the keys to be somewhere', () => window.driver.executeScript(() => document.activeElement !== document.body));
        // Back to the list, taken and done; the list goes on to the next by itself.
        await until('the list', async () => {
          await keys(Key.ESCAPE);
          return window.driver.executeScript(() => document.activeElement?.getAttribute('role') === 'listbox');
        });
        await keys('m');
        await keys('e');
        if (number === 3) await window.picture(join(ARTEFACTS, 'hour.png'));
      }
      const minutes = (Date.now() - begun) / 60_000;
      await until('every answer', async () => (await lab.ask('smtp_mails')).length === EACH && (await telegram.sentBy(account)).length === EACH, { within: 60_000 });
      const end = await counts();
      assert.deepEqual([end.done, end.mine, end.waiting, end.unassigned], [2 * EACH, 0, 0, 0]);
      const rows = await window.driver.executeAsyncScript((done) => window.__TAURI_INTERNALS__.invoke('conversations', { filter: { view: 'done', account: null, channel: null, unreadOnly: false }, after: null, limit: 100 }).then(done));
      assert.deepEqual(rows.rows.filter((row) => row.assignee !== ME || row.unread > 0).map(({ name, assignee, unread }) => ({ name, assignee, unread })), [], 'each is taken and read');
      const mails = (await lab.ask('smtp_mails')).map(({ to }) => to.join());
      assert.equal(new Set(mails).size, EACH, 'one mail to each');
      const texts = (await telegram.sentBy(account)).map(({ text }) => text);
      assert.equal(new Set(texts).size, EACH, 'one text to each');
      await window.picture(join(ARTEFACTS, 'hour-done.png'));
      evidence('P6 fast', 'an hour by the keyboard alone', `${2 * EACH} conversations answered, taken and done in ${minutes.toFixed(1)} min, none twice`);
    } catch (problem) {
      await window.picture(join(ARTEFACTS, 'hour-failed.png')).catch(() => undefined);
      throw problem;
    } finally {
      await window.close();
    }
  } finally {
    await profile.remove();
    await lab.stop();
  }
});
