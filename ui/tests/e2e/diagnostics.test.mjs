// Each thing that breaks in an office is broken once, in the real window on real servers: the log has its line, the
// diagnostics page its check in words, and what they say is to be done mends it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { By } from 'selenium-webdriver';

import { ARTEFACTS, Lab, Profile, Session, Window, deliver, evidence, until, windowTest } from './harness.mjs';
import { hits, searchFolder } from './harness/canaries.mjs';

const MAILBOX = { user: 'broken', name: 'Нотаріат', address: 'broken@skrynka.test', password: 'канарка-перша-71Qx' };
const CHANGED = 'канарка-друга-88Zk';
const [MISTYPED, ROOMY] = ['канарка-хибна-19Jw', 2 ** 31];

windowTest('what breaks is found in the log and on the diagnostics page, and mended from there', { timeout: 420_000 }, async () => {
  const lab = await Lab.start();
  const session = await Session.start({ keyring: true });
  const profile = new Profile({ session });
  const disk = Disk.mount(profile.folder);
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    await profile.addMailbox(lab, MAILBOX, 'tls');
    const window = await Window.open(profile, { width: 1600, height: 1000, environment: session.environment });
    try {
      await window.press('nav-settings');
      await window.choose('language-select', 'uk');
      await live(window);
      await listen(window);
      const office = { lab, profile, session, window, disk };
      await selfTest(office);
      const cases = { password, certificate, muted, keyring, clock, database, ...(disk && { full }) };
      for (const [name, broken] of Object.entries(cases)) {
        await broken(office);
        await live(window);
        await delivered(office, `Після: ${name}`);
      }
      const told = await window.driver.executeScript(() => JSON.stringify(window.__told));
      const { found, looked } = searchFolder(profile.home, [MAILBOX.password, CHANGED, MISTYPED]);
      found.push(...hits(Buffer.from(told), [MAILBOX.password, CHANGED, MISTYPED]));
      assert.deepEqual(found, [], 'no password stands in the profile, the database or an event');
      evidence('P3 secrets', 'passwords after everything broke, in the window', `0 hits in ${looked + told.length} bytes of profile, database and events`);
      evidence('P4 says what is wrong', 'things broken, found and mended in the window', `${Object.keys(cases).length} of ${Object.keys(cases).length}: ${Object.keys(cases).join(', ')}${disk ? '' : '; no disk was filled: this computer lets nobody mount one'}`);
    } finally {
      await window.close();
    }
  } finally {
    disk?.unmount();
    await profile.remove();
    await session.stop();
    await lab.stop();
  }
});

/** Before anything breaks, a message to oneself passes every station, the window's own too, and nothing of it stays. */
async function selfTest({ lab, window }) {
  await window.press('nav-diagnostics');
  await window.press('self-test-run');
  const mail = await until('the message to oneself at the server', async () => (await lab.ask('smtp_mails')).at(-1));
  await lab.ask('deliver', { user: MAILBOX.user, raw: mail.raw });
  await window.find('self-test-account', { over: 'true', failed: '' }, 60_000);
  const reached = await window.driver.executeScript(() => [...document.querySelectorAll('[data-testid="station"][data-mark="done"]')].map((station) => station.dataset.station));
  assert.deepEqual(reached, ['queued', 'accepted', 'seen', 'stored', 'announced', 'painted', 'removed']);
  await picture(window, 'nothing');
}

/** The password was changed at the provider. The way back is a new sign-in, which refuses what is mistyped. */
async function password({ lab, window }) {
  await lab.ask('set_password', { user: MAILBOX.user, password: CHANGED });
  await lab.ask('disconnect', { user: MAILBOX.user });
  await line(window, 'errors', 'Account needs a person', 'refused the sign-in');
  await check(window, 'account', 'failed', /Акаунт «Нотаріат».*Потрібен вхід, від .*Сервер не прийняв пароль: «.*the server refused the sign-in/s);
  await picture(window, 'password');
  await (await repair(window, 'account', 'Увійти знову')).click();
  await window.find('wizard', { step: 'servers' });
  await window.type('mailbox-password', MISTYPED);
  await window.press('wizard-next');
  await window.press('wizard-next');
  await window.find('test-step', { step: 'sign_in', state: 'failed' });
  await picture(window, 'password-mistyped');
  await window.press('wizard-back');
  await window.find('wizard', { step: 'servers' });
  await window.type('mailbox-password', CHANGED);
  await window.press('wizard-next');
  await window.find('wizard', { step: 'since' });
  await window.press('wizard-next');
  await window.find('wizard', { step: 'test' });
  await window.press('wizard-next');
  await window.find('wizard', { step: 'done' });
  await window.press('wizard-done');
  await live(window);
  await check(window, 'account', 'ok', /Наживо, від/);
}

/** The server's certificate has ended: its administrator renews it, and the account is tried again. */
async function certificate({ lab, window }) {
  await lab.ask('certificate', { kind: 'expired' });
  await line(window, 'mail', 'Cannot open the mailbox', 'certificate was not accepted.*expired');
  await check(window, 'account', 'warn', /Повторюємо спроби, від .*Сертифікату сервера не можна довіряти: «.*expired/is);
  await check(window, 'certificate', 'failed', /Сертифікат «Нотаріат».*Сертифікату сервера не можна довіряти: «.*expired/is);
  await repair(window, 'certificate');
  await picture(window, 'certificate');
  await lab.ask('certificate', { kind: 'valid' });
  await (await repair(window, 'account', 'Спробувати зараз')).click();
  await live(window);
  await check(window, 'account', 'ok', /Наживо, від/);
  await check(window, 'certificate', 'ok', /діє до .*2100/);
}

/** A server that takes connections and says nothing. */
async function muted({ lab, window }) {
  await lab.ask('proxy', { mode: 'reset' });
  await check(window, 'account', 'warn', /Повторюємо спроби/);
  await lab.ask('proxy', { mode: 'stall' });
  await line(window, 'mail', 'Cannot open the mailbox', '(does not answer|said nothing|did not come to an end)');
  await check(window, 'account', 'warn', /Повторюємо спроби, від .*(does not answer|said nothing|did not come to an end)/s);
  await picture(window, 'muted');
  await lab.ask('proxy', { mode: 'pass' });
  await (await repair(window, 'account', 'Спробувати зараз')).click();
  await live(window);
  await check(window, 'account', 'ok', /Наживо, від/);
}

/** The system's keyring was locked: everything that is stored is there, and no account can sign in. */
async function keyring({ lab, session, window }) {
  await session.lockKeyring();
  await lab.ask('disconnect', { user: MAILBOX.user });
  await line(window, 'mail', 'Cannot open the mailbox', 'could not be read from the keyring');
  await check(window, 'secrets', 'failed', /Сховище ключів.*(locked|does not answer)/s);
  await check(window, 'account', 'warn', /Повторюємо спроби, від .*could not be read from the keyring/s);
  await repair(window, 'secrets');
  await picture(window, 'keyring');
  await session.unlockKeyring();
  await check(window, 'secrets', 'ok', /Сховище ключів системи відповідає/);
  await (await repair(window, 'account', 'Спробувати зараз')).click();
  await live(window);
}

/** A server receives mail two hours after us: one of the two clocks is wrong. */
async function clock({ lab, window }) {
  const received = new Date(Date.now() + 2 * 3_600_000).toISOString();
  await lab.ask('fill_ledger', { user: MAILBOX.user, from: 1, count: 1, received });
  await check(window, 'clock', 'warn', /Годинники серверів випереджають цей комп’ютер на (1 год 5\d хв|2 год)/);
  await repair(window, 'clock');
  await picture(window, 'clock');
  await line(window, 'all', 'Check failed', 'servers received messages');
  // What comes once it was set tells so.
  for (let mail = 0; mail < 3; mail++) await deliver(lab, MAILBOX.user, `Годинник налаштовано ${mail}`);
  await check(window, 'clock', 'ok', /Годинники серверів не випереджають/);
  await line(window, 'all', 'Check passes again', 'no server received');
}

/** The private database was killed, and something else keeps it from starting. */
async function database({ lab, profile, window }) {
  const postgres = join(profile.folder, 'postgres');
  const held = spawn('flock', [join(postgres, 'start.lock'), 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
  held.stdin.write('held');
  await once(held.stdout, 'data');
  const starts = profile.logged('Database server started').length;
  process.kill(Number(readFileSync(join(postgres, 'data/postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL');
  await line(window, 'all', 'Database server ended by itself', 'pid');
  await check(window, 'database', 'failed', /the database does not answer/);
  const again = await repair(window, 'database', 'Запустити знову');
  await picture(window, 'database');
  await deliver(lab, MAILBOX.user, 'Поки бази не було');
  await again.click();
  held.stdin.end();
  await check(window, 'database', 'ok', /Postgres \d+/);
  await line(window, 'all', 'Database server started', 'pid');
  assert.equal(profile.logged('Database server started').length, starts + 1);
  await window.press('nav-inbox');
  await window.shows('conversation-list', 'Поки бази не було');
}

/** No room for what comes in, nor for the log: it goes on in memory, and the mail waits on its server. */
async function full({ lab, profile, window, disk }) {
  disk.fill();
  await deliver(lab, MAILBOX.user, `Завеликий\nContent-Type: text/plain\nX-Filler: ${'x'.repeat(900)}\n\n${`${'y'.repeat(70)}\n`.repeat(30_000)}`);
  await check(window, 'account', 'warn', /(disk|room|space)/i);
  await check(window, 'disk', 'warn', /Вільно 0\sБ/);
  await repair(window, 'disk');
  await check(window, 'logs', 'failed', /./);
  await line(window, 'all', 'Check failed', '[^0-9]0 MiB free');
  await picture(window, 'full');
  disk.free();
  await check(window, 'disk', 'ok', /Вільно [\d,.]+\s(МБ|ГБ)/);
  await check(window, 'logs', 'ok', /утрачено рядків: 0/);
  await window.press('nav-inbox');
  await window.shows('conversation-list', 'Завеликий', 120_000);
  assert.ok(profile.logged('Check failed').some((entry) => entry.fields.check === 'disk'), 'what was kept in memory is in the files');
}

/** A disk of the test's own under the profile. */
class Disk {
  #folder;

  /** Needs root, and a system that lets it mount; nothing is returned elsewhere. */
  static mount(folder) {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${ROOMY},mode=711`, 'tmpfs', folder], { stdio: 'ignore' });
    } catch {
      return undefined;
    }
    const disk = new Disk();
    disk.#folder = folder;
    return disk;
  }

  /** Takes away all room that is not used. */
  fill() {
    for (let left = 20; ; left--) {
      const used = execFileSync('df', ['-B1', '--output=used', this.#folder], { encoding: 'utf8' }).split('\n')[1].trim();
      try {
        return this.#size(used);
      } catch (problem) {
        // Something was written in between.
        if (left === 0) throw problem;
      }
    }
  }

  free() {
    this.#size(ROOMY);
  }

  unmount() {
    execFileSync('umount', ['--lazy', this.#folder]);
  }

  #size(bytes) {
    execFileSync('mount', ['-o', `remount,size=${bytes}`, this.#folder], { stdio: 'ignore' });
  }
}

/** Keeps every event that the window is told. */
function listen(window) {
  const names = ['facts-arrived', 'accounts-changed', 'status-changed', 'attention-changed', 'preferences-changed'];
  return window.driver.executeAsyncScript((names, done) => {
    window.__told = [];
    const { invoke, transformCallback } = window.__TAURI_INTERNALS__;
    const handler = (event) => window.__told.push(event);
    Promise.all(names.map((event) => invoke('plugin:event|listen', { event, target: { kind: 'Any' }, handler: transformCallback(handler) }))).then(() => done());
  }, names);
}

async function live(window) {
  await window.press('nav-accounts');
  await window.find('account-row', { state: 'live' }, 60_000);
}

async function delivered({ lab, window }, subject) {
  await window.press('nav-inbox');
  await deliver(lab, MAILBOX.user, subject);
  await window.shows('conversation-list', subject);
}

/** Looks at everything, again and again, until a check stands as it should. */
async function check(window, name, state, words) {
  await window.press('nav-diagnostics');
  const found = () => window.driver.executeScript((name) => {
    const row = document.querySelector(`[data-testid="check"][data-name="${name}"]`);
    if (row) return [row.dataset.state, row.textContent];
    return ['none', document.querySelector('main')?.textContent ?? ''];
  }, name);
  let last;
  const stands = async () => {
    last = await found();
    if (last[0] === state && words.test(last[1])) return true;
    await window.driver.executeScript(() => document.querySelector('[data-testid="diagnostics-run"]:enabled')?.click());
    return false;
  };
  await until(`${name} to be ${state} (${words})`, stands, { within: 90_000, every: 250 }).catch((problem) => {
    throw new Error(`${problem.message}; it was: ${last?.join(' ')}`);
  });
}

/** What the page says is to be done: its button by its words, or only words. */
async function repair(window, name, button) {
  const row = By.xpath(`//*[@data-testid="repair"][@data-name="${name}"]${button === undefined ? '' : `//button[contains(., "${button}")]`}`);
  return until(`what to do about ${name}`, async () => (await window.driver.findElements(row))[0]);
}

/** Finds lines by an expression among those of a ready-made filter, opens the last one and reads what it says. */
async function line(window, filter, message, words) {
  await window.press('nav-logs');
  await window.press(`log-ready-${filter}`);
  await window.press('log-regex');
  await window.type('log-text', `^${message}.*${words}`);
  let last;
  // Opening a line pauses the list: only the right one is opened, and what an earlier one has paused goes on.
  const stands = async () => {
    last = await window.driver.executeScript((message) => {
      document.querySelector('[data-testid="log-newest"]')?.click();
      const rows = [...document.querySelectorAll('[data-testid="log-row"]')];
      const texts = rows.map((row) => row.querySelector('.msg-text')?.textContent.trim());
      const right = texts.length > 0 && texts.every((text) => text.startsWith(message));
      if (right) rows.at(-1).click();
      return [right, texts, document.querySelector('[data-testid="log-detail"]')?.textContent ?? ''];
    }, message);
    return last[0] && new RegExp(words, 'is').test(last[2]);
  };
  await until(`the line "${message}" with ${words}`, stands, { within: 60_000, every: 200 }).catch((problem) => {
    throw new Error(`${problem.message}; what stood there: ${JSON.stringify(last)}`);
  });
}

function picture(window, name) {
  return window.picture(join(ARTEFACTS, `broken-${name}.png`));
}
