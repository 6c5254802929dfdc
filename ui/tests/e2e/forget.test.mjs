// A person's data removed in the real window: from the person column, and of somebody known from a group alone.
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { By, Key } from 'selenium-webdriver';

import { ARTEFACTS, Lab, Profile, Telegram, Window, deliver, evidence, until, windowTest } from './harness.mjs';

const OFFICE = { user: 'office', name: 'Пошта', address: 'office@skrynka.test', password: 'пошта-2025' };
const PHONE = '380445550181';
const HISTORY = 3_000;
const MAILS = 3;

windowTest('a person’s data goes from mail and Telegram, and in a group their place says so', { timeout: 240_000 }, async () => {
  const lab = await Lab.start();
  const profile = new Profile();
  let window;
  try {
    await lab.ask('add_user', { user: OFFICE.user, password: OFFICE.password });
    const telegram = await Telegram.start(lab, profile);
    const { account, telethon } = await telegram.ask('add_account', { phone: PHONE, first_name: 'Бюро' });
    const olena = await telegram.ask('add_user', { first_name: 'Олена', last_name: 'Вербицька', username: 'verbytska' });
    const taras = await telegram.ask('add_user', { first_name: 'Тарас', last_name: 'Їжакевич' });
    const ostap = await telegram.ask('add_user', { first_name: 'Остап', last_name: 'Криничний' });
    await telegram.ask('fill_history', { account, with: olena, count: HISTORY });
    const { chat } = await telegram.ask('add_supergroup', { title: 'Присяжні перекладачі', members: [account, olena, taras, ostap] });
    const say = (from, text, more = {}) => telegram.ask('send', { from, chat, push: 'silent', text, ...more });
    await say(taras, 'Хто сьогодні бере іспанську? Дві сторінки й апостиль.');
    const hers = await say(olena, 'Можу взяти я, до вівторка.');
    await say(olena, 'Телефон мій ви знаєте: 067 000 00 42.');
    await say(ostap, 'Тоді я беру польську.', { reply_to: hers.message });
    await telegram.says(olena, account, 'Лишаю вам оригінал договору', 'silent');
    for (let number = 0; number < MAILS; number++) await deliver(lab, OFFICE.user, `Договір оренди ${number}`, 'Олена Вербицька <olena@example.net>');
    await deliver(lab, OFFICE.user, 'Рахунок за квітень', 'Петро Коваль <petro@example.net>');
    await telegram.addAccount(profile, { name: 'Київ', phone: PHONE, session: telethon });
    await profile.addMailbox(lab, OFFICE);
    await profile.run(['listen', '--until-idle']);
    const before = await profile.messages();

    window = await Window.open(profile);
    await window.press('nav-settings');
    await window.choose('language-select', 'uk');
    await window.press('nav-inbox');
    await window.pressRow('Присяжні перекладачі');
    await window.shows('thread', '067 000 00 42');

    // Of the same name on the other network: linked, both go at once.
    await window.pressRow('Олена Вербицька');
    await window.press('person-same');
    await window.find('person-unlink');
    await window.press('person-forget');
    await window.find('forget-stays');
    await pictures(window, 'forget-dialog', [1440]);
    // In a narrow window the person's column lies over the conversation.
    await (await window.find('forget-word')).sendKeys(Key.ESCAPE);
    await until('the dialog to close', async () => (await window.findAll('forget-dialog')).length === 0);
    await window.resize(1024, 700);
    await window.press('person-toggle');
    await window.press('person-forget');
    await window.find('forget-stays');
    await pictures(window, 'forget-dialog', [1024]);
    await window.type('forget-word', 'олена вербицька');
    await watch(window);
    await window.press('forget-do');
    // How far it is, as long as it lasts.
    if (await window.find('forget-progress', {}, 1_500).then(() => true, () => false)) await window.picture(join(ARTEFACTS, 'forget-progress.png'));
    await until('the removal to end', async () => (await window.findAll('forget-dialog')).length === 0, { within: 60_000 });
    await window.shows('toast', 'Дані людини вилучено');
    await pictures(window, 'forget-result', [1024]);
    const told = await window.driver.executeScript(() => window.__reached);
    assert.ok(told.some((text) => /Вилучено \d/u.test(text)), `it tells how far it is: ${told}`);
    await until('her conversations to leave the list', async () => !(await window.text('conversation-list')).includes('Олена Вербицька'));

    await window.pressRow('Присяжні перекладачі');
    await window.find('message-removed');
    await until('both places', async () => (await window.findAll('message-removed')).length === 2);
    const shown = await window.text('thread');
    assert.ok(!shown.includes('Олена') && !shown.includes('067 000 00 42'), shown);
    await pictures(window, 'forget-group');

    // Somebody who is known from this group alone.
    const theirs = By.xpath('//article[@data-testid="message"][contains(., "Хто сьогодні бере")]');
    await until('the menu of the message', async () => {
      try {
        await window.driver.findElement(theirs).click();
        await window.driver.findElement(theirs).findElement(By.css('.msg-menu button')).click();
        await window.find('message-forget', {}, 2_000);
        return true;
      } catch (problem) {
        if (['StaleElementReferenceError', 'NoSuchElementError', 'TimeoutError'].includes(problem.name)) return false;
        throw problem;
      }
    });
    await window.picture(join(ARTEFACTS, 'forget-author-menu.png'));
    await window.press('message-forget');
    await window.find('forget-count', { kind: 'blanked' });
    await pictures(window, 'forget-author', [1440]);
    await window.type('forget-word', 'Тарас Їжакевич');
    await window.press('forget-do');
    await until('the third place', async () => (await window.findAll('message-removed')).length === 3);
    await until('the dialog to close', async () => (await window.findAll('forget-dialog')).length === 0);
    await pictures(window, 'forget-group-after', [1440]);
    await window.close();
    window = undefined;

    // What went does not come back from its servers.
    await profile.run(['listen', '--until-idle']);
    const after = await profile.messages();
    const of = (messages, words) => messages.filter((message) => JSON.stringify(message).includes(words)).length;
    assert.ok(of(before, 'Вербицька') >= HISTORY + MAILS, `${of(before, 'Вербицька')} were hers`);
    assert.deepEqual([of(after, 'Вербицька'), of(after, 'Їжакевич'), of(after, '067 000 00 42')], [0, 0, 0]);
    assert.equal(of(after, 'Рахунок за квітень'), 1, 'what others wrote stays');
    evidence('P3 secrets', 'a person’s data removed in the window', `${before.length - after.length} messages gone, 3 places in a group say so`);
  } finally {
    await window?.close();
    await profile.remove();
    await lab.stop();
  }
});

/** Notes what the window says of how far a removal is. */
function watch(window) {
  return window.driver.executeScript(() => {
    window.__reached = [];
    const look = () => {
      const text = document.querySelector('[data-testid="forget-progress"]')?.textContent;
      if (text && window.__reached.at(-1) !== text) window.__reached.push(text);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
}

/** Pictures in both themes and at two widths. */
async function pictures(window, name, widths = [1024, 1440]) {
  for (const width of widths) {
    await window.resize(width, width === 1024 ? 700 : 900);
    for (const theme of ['dark', 'light']) {
      await window.theme(theme);
      await window.picture(join(ARTEFACTS, `${name}-${width}-${theme}.png`));
    }
  }
}
