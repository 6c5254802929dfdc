// The log viewer in the real window: what staff looked for with `docker logs | grep`, and what they could not see there.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { By, Key } from 'selenium-webdriver';

import { ARTEFACTS, Lab, Profile, Telegram, Window, deliver, evidence, until, windowTest } from './harness.mjs';

const MAILBOX = { user: 'logs', name: 'Журнал', address: 'logs@skrynka.test', password: 'пароль-2026' };
const CHATS = { phone: '380445550177', name: 'Бюро в Telegram' };
/** The lines by which the old system was checked by hand, step by step, as they are called here, each among those of a
 * ready-made filter. */
const PLAN = [
  { step: 'account-saved', filter: 'all', stations: ['Account added'] },
  { step: 'events-seen', filter: 'events', stations: ['Window subscribing', 'Window subscribed', 'Snapshot sent', 'Heartbeat received', 'Heartbeat answered', 'Event sent'] },
  { step: 'mailbox-checked', filter: 'mail', stations: ['Connecting', 'TLS established', 'Signed in', 'Folder selected', 'New mail found', 'Mail stored'] },
  { step: 'chats-received', filter: 'telegram', stations: ['Connecting', 'Signed in', 'Listener started', 'Caught up', 'Message stored'] },
];
const SAID = 'Слово про журнал у чаті';

const messages = (window) => window.driver.executeScript(() => [...document.querySelectorAll('[data-testid="log-row"] .msg-text')].map((node) => node.textContent.trim()));

/** How many lines the picture over the list tells of. */
const counted = (window) => window.driver.executeScript(() => Number(/: (\d[\d\s,]*)/u.exec(document.querySelector('[data-testid="log-histogram"] svg').getAttribute('aria-label'))[1].replaceAll(/\D/g, '')));

/** Waits until the rows that are drawn are such as `wanted` says. */
function rows(window, what, wanted) {
  return until(what, async () => {
    const found = await messages(window);
    return found.length > 0 && wanted(found) ? found : null;
  });
}

windowTest('the log answers the old questions, and leads from an error to its cause', { timeout: 240_000 }, async () => {
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    const telegram = await Telegram.start(lab, profile);
    const { account, telethon } = await telegram.ask('add_account', { phone: CHATS.phone, first_name: 'Бюро' });
    const olena = await telegram.ask('add_user', { first_name: 'Олена' });
    await profile.addMailbox(lab, MAILBOX, 'tls');
    await telegram.addAccount(profile, { ...CHATS, session: telethon });
    const window = await Window.open(profile, { width: 1600, height: 1000 });
    try {
      // Beats and events are details.
      await window.press('nav-logs');
      await window.press('log-details');
      await window.find('log-details-end');
      await window.press('nav-accounts');
      await until('both accounts to be live', async () => (await window.driver.findElements(By.css('[data-testid="account-row"][data-state="live"]'))).length === 2);
      await window.picture(join(ARTEFACTS, 'plan-accounts.png'));
      await window.press('nav-inbox');
      await deliver(lab, MAILBOX.user, 'Слово про журнал');
      await window.shows('conversation-list', 'Слово про журнал');
      await telegram.says(olena, account, SAID);
      await window.shows('conversation-list', SAID);
      await window.picture(join(ARTEFACTS, 'plan-inbox.png'));

      await window.press('nav-logs');
      for (const { step, filter, stations } of PLAN) {
        await window.press(`log-ready-${filter}`);
        await window.press('log-regex');
        for (const station of stations) {
          await window.type('log-text', `^${station}`);
          await rows(window, station, (found) => found.every((text) => text.startsWith(station)));
        }
        await window.type('log-text', `^(${stations.join('|')})`);
        await rows(window, step, (found) => stations.every((station) => found.some((text) => text.startsWith(station))));
        await window.picture(join(ARTEFACTS, `plan-${step}.png`));
      }

      // No line shows what a customer wrote, in a letter or a chat.
      await window.press('log-ready-all');
      await window.type('log-text', 'Слово про журнал');
      await window.find('log-list', {}, 500).catch(() => undefined);
      await until('no line', () => window.driver.executeScript(() => document.querySelector('[data-testid="log-row"]') === null));

      // What the server holds is compared with what is here.
      await window.press('nav-diagnostics');
      await window.press('completeness-compare');
      const inbox = await until('the inbox to be compared', () => window.driver.executeScript(() => [...document.querySelectorAll('[data-testid="completeness-row"][data-missing="0"]')].map((row) => [...row.cells].slice(0, 5).map((cell) => cell.textContent.trim())).find((cells) => cells[1] === 'INBOX') ?? null));
      assert.deepEqual(inbox.slice(1), ['INBOX', '1', '1', '0']);
      await window.picture(join(ARTEFACTS, 'completeness.png'));
      await window.press('nav-logs');

      // A password that is changed elsewhere: the error is found by its filter, with its cause and what stands around it.
      await window.press('log-ready-all');
      await lab.ask('set_password', { user: MAILBOX.user, password: 'інший' });
      await lab.ask('disconnect', { user: MAILBOX.user });
      await window.press('log-ready-errors');
      await rows(window, 'the refused sign-in', (found) => found.some((text) => text.startsWith('Account needs a person')));
      await window.driver.executeScript(() => document.querySelector('[data-testid="log-row"]').click());
      const detail = await window.text('log-detail');
      assert.match(detail, /account\s+Журнал/);
      assert.doesNotMatch(detail, /пароль-2026|інший/);
      await window.picture(join(ARTEFACTS, 'logs-error.png'));
      const error = await window.driver.executeScript(() => document.querySelector('[data-testid="log-row"].sel').id);
      await window.press('log-around');
      await until('its neighbours', () => window.driver.executeScript((id) => document.getElementById(id)?.classList.contains('sel') && document.querySelector('[data-testid="log-row"][data-level="INFO"]') !== null, error));
      await window.picture(join(ARTEFACTS, 'logs-around.png'));

      // The picture over the list counts what lies in the files.
      await window.press('log-ready-all');
      await window.press('log-level-debug');
      const folder = join(profile.folder, 'logs');
      const lines = () => readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean)).length;
      await until('the picture to count every line', async () => {
        const [was, is] = [lines(), await counted(window)];
        return is >= was - 20 && is <= lines();
      });

      // What something else has written, cut or binary, hides nothing.
      const file = join(folder, readdirSync(folder).sort().at(-1));
      appendFileSync(file, `\0\x1b[31mnot ours\n{"t":"2026\n${'x'.repeat(200_000)}\n`);
      await window.press('log-ready-mail');
      await window.press('log-newest').catch(() => undefined);
      await window.press('log-regex');
      await window.type('log-text', '^Signed in');
      await rows(window, 'the lines before it', (found) => found.every((text) => text.startsWith('Signed in')));
      evidence('P4 says what is wrong', 'the old questions to the log, asked in the window', `${PLAN.length} steps, ${PLAN.flatMap(({ stations }) => stations).length} stations found, an error with its cause and its neighbours`);
    } finally {
      await window.close();
    }
  } finally {
    await profile.remove();
    await lab.stop();
  }
});

windowTest('lines that another program writes faster than they can be shown are all found afterwards', { timeout: 120_000 }, async () => {
  const profile = new Profile();
  try {
    const window = await Window.open(profile, { width: 1600, height: 1000 });
    let pouring;
    try {
      await window.press('nav-logs');
      await window.press('log-ready-all');
      await window.find('log-row');
      await window.press('log-together');
      const folder = join(profile.folder, 'logs');
      const file = join(folder, 'skrynka-29991231T000000000Z-1.000001.jsonl');
      let written = 0;
      const ERROR = 4_321;
      const pour = (count) => {
        const lines = [];
        for (const to = written + count; written < to; written++) lines.push(JSON.stringify({ t: new Date().toISOString(), seq: written + 1, level: written === ERROR ? 'ERROR' : 'INFO', area: 'store', msg: 'Poured', fields: { n: written } }));
        appendFileSync(file, `${lines.join('\n')}\n`);
      };
      pouring = setInterval(pour, 50, 500);
      await until('lines to pass', () => written > 10_000);
      await window.find('log-passing');
      const numbers = () => window.driver.executeScript(() => [...document.querySelectorAll('[data-testid="log-row"]')].map((node) => Number(/Poured\s+n=(\d+)/.exec(node.textContent)?.[1] ?? -1)).filter((n) => n >= 0));
      await until('the newest of them', async () => Math.max(...await numbers()) > written - 10_000);
      const atEnd = () => window.driver.executeScript(() => { const list = document.querySelector('[data-testid="log-list"]'); return list.scrollTop + list.clientHeight >= list.scrollHeight - 24; });
      assert.ok(await atEnd(), 'the newest line stands in view');
      await window.picture(join(ARTEFACTS, 'logs-passing.png'));

      // Whoever pauses finds above what was passed over, line by line.
      await window.press('log-follow');
      await until('following to end', () => window.driver.executeScript(() => document.querySelector('[data-testid="log-follow"][aria-pressed="false"]') !== null && document.querySelector('[data-testid="log-passing"]') === null));
      const last = Math.max(...await numbers());
      const seen = new Set();
      const list = await window.find('log-list');
      // A screen at a time: a key may be pressed again before it has scrolled.
      while (!seen.has(last - 1_500)) {
        const shown = await numbers();
        shown.forEach((n) => seen.add(n));
        await window.driver.executeScript((list) => { list.scrollTop -= list.clientHeight; }, list);
        await until('older lines', async () => Math.min(...await numbers()) < Math.min(...shown));
      }
      assert.equal([...seen].filter((n) => n >= last - 1_500 && n <= last).length, 1_501);
      clearInterval(pouring);
      pouring = undefined;

      // One error among them is the next one before the end, and stands among its neighbours.
      await window.press('log-newest');
      await until('the last line', async () => (await numbers()).includes(written - 1));
      // One at a time, too, they come into view below those before.
      for (let more = 0; more < 3; more++) {
        pour(1);
        await until('one more line', async () => (await numbers()).includes(written - 1));
        assert.ok(await atEnd(), 'it stands in view');
      }
      await list.sendKeys(Key.chord(Key.SHIFT, 'e'));
      await until('the error among its neighbours', async () => {
        const found = await numbers();
        return [ERROR - 1, ERROR, ERROR + 1].every((n) => found.includes(n));
      });
      assert.match(await window.text('log-detail'), new RegExp(`n\\s+${ERROR}`));
      // A filter finds any of them, and the picture counts every one.
      await window.press('log-ready-all');
      await window.type('log-text', 'Poured n=7777');
      await until('the line that is looked for', async () => {
        const found = await numbers();
        // In more lines there is 77770, too.
        return found.includes(7_777) && found.every((n) => `${n}`.startsWith('7777'));
      });
      await window.type('log-text', 'Poured');
      await until('the picture to count every line', async () => (await counted(window)) === written);
    } finally {
      clearInterval(pouring);
      await window.close();
    }
  } finally {
    await profile.remove();
  }
});
