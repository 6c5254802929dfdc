// Telegram in the real window: three ways in, chats that live, files that play, nothing lost through kills.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import decodeQr from 'qr/decode.js';
import { By } from 'selenium-webdriver';

import { API, ARTEFACTS, CODE, Lab, Profile, Telegram, Window, enterPath, evidence, quantile, until, windows, windowTest } from './harness.mjs';
import { searchFolder } from './harness/canaries.mjs';

const PROBES = 20;
const AWAY = 350;
const HISTORY = 30_000;
const PASSWORD = 'два кроки-2025';
const PHONES = { phone: '380445550101', qr: '48225550102', session: '380445550103' };

/** Works with the lab's Telegram and a profile; cleans up after it. */
async function withTelegram(work) {
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    await work(await Telegram.start(lab, profile), profile);
  } finally {
    await profile.remove();
    await lab.stop();
  }
}

windowTest('Telegram accounts added in three ways live in the window', { timeout: 240_000 }, () =>
  withTelegram(async (telegram, profile) => {
    const office = await bureau(telegram);
    let window = await Window.open(profile);
    let answered;
    try {
      await window.press('nav-settings');
      await window.choose('language-select', 'uk');
      await byPhone(window, telegram);
      await byQr(window, telegram, office.qr.account);
      await bySession(window, telegram, office.session.telethon);
      await live(window, 3);
      await pictures(window, 'accounts');
      evidence('P7 telegram', 'accounts added through the screens', 'phone, code and password; QR code; session string');

      await window.press('nav-inbox');
      await arrivals(window, telegram, office);
      await opened(window, 'Олена Шевченко');
      await plays(window);
      await watches(window);
      await shows(window);
      await saves(window, office.file, join(profile.home, 'saved.bin'));
      answered = await answers(window, telegram, office);
      await hearsItself(window);
      await pictures(window, 'chat');
      await window.close();

      for (let number = 0; number < AWAY; number++) await telegram.says(office.taras, office.phone.account, away(number), 'silent');
      window = await Window.open(profile);
      await window.shows('conversation-list', away(AWAY - 1), 120_000);
      await opened(window, 'Тарас Їжакевич');
      await window.find('unread-line');
      await pictures(window, 'chat-unread');
    } finally {
      await window.close();
    }
    const texts = (await profile.messages()).map((message) => message.text);
    for (let number = 0; number < AWAY; number++) assert.equal(texts.filter((text) => text === away(number)).length, 1, away(number));
    assert.equal(texts.filter((text) => text === answered).length, 1, 'the answer stands here once');
    const { greatest_with_one_key: greatest, complaints } = await telegram.ask('stats');
    assert.deepEqual([greatest, complaints], [1, []], 'no key was used twice at once');
    const { found, looked } = searchFolder(profile.home, [API.hash, PASSWORD, office.session.telethon.slice(40, 100)]);
    assert.deepEqual(found, [], 'what was typed stands in no file');
    evidence('P3 secrets', 'telegram: hash, two-step password and session typed into the window', `0 hits in ${looked} bytes of profile and database`);
    evidence('P1 nothing lost, nothing doubled', 'telegram: written while the window was closed', `${AWAY} of ${AWAY}, none twice`);
  }));

windowTest('a window killed twice in the middle of a history has every message once', { timeout: 240_000 }, () =>
  withTelegram(async (telegram, profile) => {
    const { account, telethon } = await telegram.ask('add_account', { phone: PHONES.phone, first_name: 'Бюро' });
    const customers = [];
    for (const name of ['Олена', 'Тарас', 'James']) customers.push(await telegram.ask('add_user', { first_name: name }));
    for (const user of customers) await telegram.ask('fill_history', { account, with: user, count: HISTORY / 3 });
    await telegram.addAccount(profile, { name: 'Бюро', phone: PHONES.phone, session: telethon });
    let interrupted = 0;
    for (let kill = 0; kill < 2; kill++) {
      const window = await Window.open(profile);
      await window.press('nav-accounts');
      await window.press('account-more');
      await until('some messages to be stored', async () => (await storedSoFar(window)) > interrupted, { every: 20 });
      interrupted = await storedSoFar(window);
      await window.kill();
    }
    assert.ok(interrupted < HISTORY, `the history was over before the last kill: ${interrupted}`);
    const window = await Window.open(profile);
    try {
      await live(window, 1);
      await window.press('account-more');
      await until('the whole history', async () => (await storedSoFar(window)) >= HISTORY, { within: 120_000 });
    } finally {
      await window.close();
    }
    const keys = (await profile.messages()).map((message) => `${message.conversation} ${message.remote_key}`);
    assert.deepEqual([keys.length, new Set(keys).size], [HISTORY, HISTORY]);
    assert.equal((await telegram.ask('stats')).greatest_with_one_key, 1, 'the key was never used twice at once');
    evidence('P1 nothing lost, nothing doubled', 'telegram: two kills in a history, in the window', `${HISTORY} of ${HISTORY}, none twice`);
  }));

windowTest('files go to a chat, and what was said is changed and deleted', { timeout: 180_000 }, () =>
  withTelegram(async (telegram, profile) => {
    const { account, telethon } = await telegram.ask('add_account', { phone: PHONES.phone, first_name: 'Бюро' });
    const olena = await telegram.ask('add_user', { first_name: 'Олена' });
    await telegram.says(olena, account, 'Надішліть, будь ласка, переклад', 'silent');
    await telegram.addAccount(profile, { name: 'Бюро', phone: PHONES.phone, session: telethon });
    const [small, large] = [join(profile.home, 'Переклад.txt'), join(profile.home, 'Скан.bin')];
    writeFileSync(small, 'рядок\n'.repeat(1000));
    const bytes = randomBytes(11_000_000);
    writeFileSync(large, bytes);
    let window = await Window.open(profile);
    try {
      await opened(window, 'Олена');
      await (await window.find('chat-attach')).sendKeys(small);
      await (await window.find('chat-attach')).sendKeys(large);
      await until('both files to be stored', async () => (await window.findAll('mail-file')).length === 2);
      await window.type('compose-text', 'Ось переклад і скан');
      await picture(window, 'chat-files');
      await window.press('compose-send');
      const sent = await until('both files to be sent', async () => {
        const sent = await telegram.sentBy(account);
        return sent.length === 2 && sent;
      });
      assert.deepEqual(sent.map(({ text }) => text), ['Ось переклад і скан', '']);
      await until('them to stand in the chat', async () => (await window.findAll('outgoing')).length === 0);
      await window.shows('thread', 'Скан.bin');

      await window.type('compose-text', 'Ціна 500 грв');
      await window.press('compose-send');
      await until('the price to be sent', async () => (await telegram.sentBy(account)).length === 3 && (await window.findAll('outgoing')).length === 0);
      await menuOf(window, 'Ціна 500 грв', 'message-edit');
      await window.find('edit-chip');
      await window.type('compose-text', 'Ціна 500 грн');
      await picture(window, 'chat-edit');
      await window.press('compose-send');
      await window.shows('thread', 'Ціна 500 грн');
      await window.driver.wait(async () => (await window.findAll('edit-chip')).length === 0, 10_000);
      await menuOf(window, 'Ціна 500 грн', 'message-delete');
      await window.press('delete-agree');
      await until('it to be marked', async () => (await window.driver.findElements(By.css('[data-testid="message"].gone'))).length === 1);
      await picture(window, 'chat-deleted');
      assert.equal((await telegram.sentBy(account)).length, 3, 'nothing was sent twice');

      await speaks(window, false);
      await window.kill();
      window = await Window.open(profile);
      await opened(window, 'Олена');
      await window.shows('attached-voice-time', '0:02');
      evidence('P1 nothing lost, nothing doubled', 'telegram: what was being said when the program was killed', '2.0 s of 2 s, in the draft');
    } finally {
      await window.close();
    }
    const files = (await profile.messages()).flatMap((message) => message.attachments.map(({ name, size }) => [name, size]));
    assert.deepEqual(files.toSorted(), [['Переклад.txt', 11_000], ['Скан.bin', 11_000_000]]);
    evidence('P1 nothing lost, nothing doubled', 'telegram: files sent, a text changed and deleted in the window', '2 files, 1 text, each once');
  }));

/** Three accounts; customers have written to them already. */
async function bureau(telegram) {
  const phone = await telegram.ask('add_account', { phone: PHONES.phone, first_name: 'Бюро «Слово»', password: PASSWORD });
  const qr = await telegram.ask('add_account', { phone: PHONES.qr, first_name: 'Biuro Słowo' });
  const session = await telegram.ask('add_account', { phone: PHONES.session, first_name: 'Slovo Office' });
  const olena = await telegram.ask('add_user', { first_name: 'Олена', last_name: 'Шевченко', username: 'olena_sh' });
  const taras = await telegram.ask('add_user', { first_name: 'Тарас', last_name: 'Їжакевич' });
  const james = await telegram.ask('add_user', { first_name: 'James', last_name: 'Whitfield', username: 'jwhitfield' });
  const file = randomBytes(300_000);
  const document = { name: 'Диплом Шевченко.bin', mime: 'application/octet-stream', bytes: file.toString('base64') };
  const silent = (from, { account }, message) => telegram.says(from, account, message, 'silent');
  await silent(taras, phone, 'Підкажіть, скільки коштує апостиль на довіреність?');
  await silent(olena, phone, 'Доброго дня! Потрібен переклад диплома з додатком, українська → польська.');
  await silent(olena, phone, { text: 'Ось скан першої сторінки', file: { photo: { width: 900, height: 1270, seed: 11 } } });
  await silent(olena, phone, { file: { voice: { seconds: 3 } } });
  const film = readFileSync(new URL('harness/film.mp4', import.meta.url)).toString('base64');
  await silent(olena, phone, { file: { video_note: { seconds: 2, side: 96, bytes: film } } });
  await silent(olena, phone, { text: 'І додаток', file: { document } });
  await silent(taras, qr, 'Dzień dobry, czy mogę odebrać dokumenty w czwartek?');
  await silent(james, session, 'Could you also certify the second page, please?');
  return { phone, qr, session, olena, taras, james, file };
}

const away = (number) => `Поки вікно було закрите: ${number}`;

async function wizard(window, telegram, way) {
  await telegram.lead();
  await window.press('nav-accounts');
  await window.press('add-mailbox');
  await window.press('channel-telegram');
  await window.press(`way-${way}`);
  await window.find('wizard', { step: 'way' });
}

async function keys(window) {
  await window.type('api-id', API.id);
  await window.type('api-hash', API.hash);
}

/** The last two steps; the name is proposed. */
async function finish(window, pictured = () => undefined) {
  await window.find('wizard', { step: 'chats' });
  await pictured('telegram-chats');
  await window.press('wizard-next');
  await window.find('account-name');
  await pictured('telegram-done');
  await window.press('wizard-done');
  await window.find('account-row');
}

async function byPhone(window, telegram) {
  await wizard(window, telegram, 'phone');
  await window.type('phone', `+${PHONES.phone}`);
  await keys(window);
  await pictures(window, 'telegram-phone');
  await window.press('wizard-next');
  await window.type('telegram-code', CODE);
  await pictures(window, 'telegram-code');
  await window.press('wizard-next');
  await window.type('two-step', PASSWORD);
  await picture(window, 'telegram-password');
  await window.press('wizard-next');
  // Nothing is fetched until somebody asks for it.
  await window.choose('file-limit', '0');
  await finish(window, (name) => picture(window, name));
}

async function byQr(window, telegram, account) {
  await wizard(window, telegram, 'qr');
  await keys(window);
  await window.press('wizard-next');
  await window.find('qr');
  await pictures(window, 'telegram-qr');
  const address = await scanned(window);
  assert.match(address, /^tg:\/\/login\?token=/);
  await telegram.ask('accept_login_token', { account, token: new URL(address).searchParams.get('token') });
  await finish(window);
}

async function bySession(window, telegram, session) {
  await wizard(window, telegram, 'session');
  await window.type('session', session);
  await picture(window, 'telegram-session');
  await window.press('wizard-next');
  await window.find('found-session');
  await keys(window);
  await pictures(window, 'telegram-found');
  await window.press('wizard-next');
  await finish(window);
}

/** What a phone reads from the picture of the QR code. */
async function scanned(window) {
  const { width, height, grey } = await window.driver.executeAsyncScript((picture, done) => {
    const box = document.querySelector('[data-testid="qr"]').getBoundingClientRect();
    const image = new Image();
    image.onload = () => {
      const scale = image.width / innerWidth;
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [Math.round(box.width * scale), Math.round(box.height * scale)];
      const context = canvas.getContext('2d');
      context.drawImage(image, -Math.round(box.left * scale), -Math.round(box.top * scale));
      const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
      done({ width, height, grey: Array.from({ length: width * height }, (_, at) => data[4 * at]) });
    };
    image.src = `data:image/png;base64,${picture}`;
  }, await window.driver.takeScreenshot());
  return decodeQr({ width, height, data: Uint8Array.from(grey.flatMap((value) => [value, value, value])) });
}

/** Messages that are pushed while somebody looks paint themselves. */
async function arrivals(window, telegram, { taras, phone }) {
  const took = [];
  for (let probe = 0; probe < PROBES; probe++) {
    const text = `Чи вже готово? ${probe}`;
    await window.expectPaint('conversation-list', text);
    const { at } = await telegram.says(taras, phone.account, text);
    took.push((await window.painted(text)) - at);
  }
  const figure = `median ${Math.round(quantile(took, 0.5))} ms, slowest ${Math.round(Math.max(...took))} ms of ${PROBES}`;
  evidence('P2 live', 'telegram: from the push to the painted row', figure);
}

/** A voice message is fetched, decoded and played to its end. */
async function plays(window) {
  await window.driver.executeScript(() => {
    const { play } = HTMLMediaElement.prototype;
    HTMLMediaElement.prototype.play = function () {
      window.__player = this;
      return play.call(this);
    };
  });
  await window.press('voice-play');
  const heard = await until('the voice message to end', () =>
    window.driver.executeScript(() => {
      const { currentTime, ended, error } = window.__player ?? {};
      const failed = error?.message ?? document.querySelector('[data-testid="voice"] ~ [role="alert"]')?.textContent ?? null;
      return ended || failed !== null ? { currentTime, failed } : null;
    }), { within: 60_000 });
  assert.equal(heard.failed, null);
  assert.ok(heard.currentTime > 2.5, `${heard.currentTime} s of 3 were played`);
  evidence('P7 telegram', 'a voice message is played', `${heard.currentTime.toFixed(1)} s of 3 s, Opus in Ogg`);
}

/** What a phone films, H.264 with AAC in MP4, is fetched and played to its end. */
async function watches(window) {
  await window.press('video-note');
  const seen = await until('the video to end', () =>
    window.driver.executeScript(() => {
      const note = document.querySelector('[data-testid="video-note"]');
      const { currentTime, ended, videoWidth } = note?.querySelector('video') ?? {};
      const failed = note?.parentElement?.querySelector('[role="alert"]')?.textContent ?? null;
      return ended || failed !== null ? { currentTime, videoWidth, failed } : null;
    }), { within: 60_000 });
  assert.equal(seen.failed, null);
  assert.ok(seen.currentTime > 1.8 && seen.videoWidth === 96, `${seen.currentTime} s of 2, ${seen.videoWidth} px wide`);
  evidence('P7 telegram', 'a video is played', `${seen.currentTime.toFixed(1)} s of 2 s, H.264 and AAC in MP4`);
}

/** Two seconds are said in the open chat, in place of a microphone, and sent where they are to `end`. */
async function speaks(window, end) {
  const problem = await window.driver.executeAsyncScript((end, done) => {
    const { invoke } = window.__TAURI_INTERNALS__;
    const id = document.querySelector('[data-testid="conversation-row"][aria-current], [data-testid="conversation-row"].sel')?.dataset.id;
    const speak = async () => {
      const filter = { view: 'all', account: null, channel: null, unreadOnly: false };
      const { rows } = await invoke('conversations', { filter, after: null, limit: 50 });
      const conversation = rows.find(({ key }) => key.id === id)?.key;
      const upload = await invoke('record_begin', { conversation });
      const second = new Uint8Array(Int16Array.from({ length: 48_000 }, (_, at) => 9000 * Math.sin(at / 17)).buffer);
      const piece = btoa(second.reduce((text, byte) => text + String.fromCharCode(byte), ''));
      for (let number = 0; number < 2; number++) await invoke('attach_piece', { upload, piece });
      if (!end) return;
      const file = await invoke('attach_voice', { upload });
      await invoke('send_text', { conversation, form: { text: '', entities: [], replyTo: null, sendAt: null, files: [file] }, draft: null });
    };
    speak().then(() => done(null), (fault) => done(JSON.stringify(fault)));
  }, end);
  assert.equal(problem, null);
}

/** What the recorder makes of samples is sent as a voice, comes back from Telegram and is played to its end. */
async function hearsItself(window) {
  await speaks(window, true);
  const own = '[data-testid="message"].out [data-testid="voice-play"]';
  // While it is fetched it cannot be pressed.
  await until('the voice to come back', () =>
    window.driver.executeScript((own) => {
      const button = document.querySelector(own);
      if (!button || button.disabled) return false;
      window.__player = undefined;
      button.click();
      return true;
    }, own));
  const heard = await until('the own voice to end', () =>
    window.driver.executeScript(() => {
      const { currentTime, ended, error } = window.__player ?? {};
      const failed = error?.message ?? document.querySelector('[data-testid="voice-failed"]')?.textContent ?? null;
      return ended || failed !== null ? { currentTime, failed } : null;
    }), { within: 60_000 });
  assert.equal(heard.failed, null);
  assert.ok(heard.currentTime > 1.8, `${heard.currentTime} s of 2 were played`);
  evidence('P7 telegram', 'a voice of the recorder is played', `${heard.currentTime.toFixed(1)} s of 2 s`);
}

/** A photo's small picture is there; pressed, it is fetched and shown whole. */
async function shows(window) {
  const width = (selector) => window.driver.executeScript((selector) => document.querySelector(selector)?.naturalWidth ?? 0, selector);
  await until('the small picture', async () => (await width('[data-testid="photo"] img')) > 0);
  await window.press('photo');
  await until('the whole picture', async () => (await width('.viewer-body img')) === 900);
  await picture(window, 'chat-photo');
  await window.press('viewer-close');
  await until('the viewer to close', async () => (await window.findAll('viewer')).length === 0);
}

/** A file is fetched when asked for, and saved where the system's dialog says. */
async function saves(window, bytes, path) {
  await window.press('file-fetch');
  const before = new Set(await windows());
  await window.press('file-save');
  const dialog = await until('the dialog', async () => (await windows()).find((id) => !before.has(id)));
  await enterPath(dialog, path);
  await until('the saved file', () => existsSync(path) && statSync(path).size >= bytes.length);
  assert.ok(readFileSync(path).equals(bytes), 'the saved file differs');
  evidence('P7 telegram', 'a file is fetched and saved', `${bytes.length} bytes, the same`);
}

/** Chooses from the menu of the message that says this. */
async function menuOf(window, text, item) {
  const message = By.xpath(`//article[@data-testid="message"][contains(., "${text}")]`);
  await until('the menu of the message', async () => {
    try {
      await window.driver.findElement(message).click();
      await window.driver.findElement(message).findElement(By.css('.msg-menu button')).click();
      await window.find(item, {}, 2000);
      return true;
    } catch (problem) {
      // A message that is drawn anew meanwhile closes its menu.
      if (['StaleElementReferenceError', 'NoSuchElementError', 'TimeoutError'].includes(problem.name)) return false;
      throw problem;
    }
  });
  await window.press(item);
}

/** A message is answered, once. */
async function answers(window, telegram, { olena, phone }) {
  const asked = await telegram.says(olena, phone.account, 'Скільки це коштуватиме?');
  await window.shows('thread', 'Скільки це коштуватиме?');
  await menuOf(window, 'Скільки це коштуватиме?', 'message-reply');
  await window.shows('reply-chip', 'Скільки це коштуватиме?');
  const answer = 'Чотири сторінки, разом 1 480 грн, буде готово до четверга.';
  await window.type('compose-text', answer);
  await picture(window, 'chat-answer');
  await window.press('compose-send');
  await until('the answer to be sent', async () =>
    (await window.findAll('outgoing')).length === 0 && (await window.text('thread')).includes(answer));
  const sent = await telegram.sentBy(phone.account);
  assert.deepEqual(sent.map(({ text, reply_to: to }) => [text, to]), [[answer, asked.ids[phone.account]]]);
  evidence('P1 nothing lost, nothing doubled', 'telegram: an answer sent from the window', 'arrived once, under the message it answers');
  return answer;
}

/** Opens a chat. Rows change places while much arrives, and a press that falls between two places opens nothing. */
async function opened(window, name) {
  const open = () => window.driver.executeScript((name) =>
    document.querySelector('.talk h1')?.textContent === name && document.querySelector('[data-testid="thread"]') !== null, name);
  for (let left = 5; left > 0; left--) {
    await window.pressRow(name);
    try {
      return await until(`the chat with ${name}`, open, { within: 6_000 });
    } catch (problem) {
      if (left === 1) throw problem;
    }
  }
}

/** So many accounts are live. */
async function live(window, count) {
  await window.press('nav-accounts');
  await until(`${count} accounts to be live`, async () =>
    (await window.driver.findElements(By.css('[data-testid="account-row"][data-state="live"]'))).length === count, { within: 120_000 });
}

/** Returns how many messages the opened account says are stored. */
async function storedSoFar(window) {
  return Number((await window.text('account-stored')).replaceAll(/\D/g, ''));
}

async function pictures(window, name) {
  for (const theme of ['dark', 'light']) {
    await window.theme(theme);
    await picture(window, `${name}-${theme}`);
  }
}

function picture(window, name) {
  return window.picture(join(ARTEFACTS, `${name}.png`));
}
