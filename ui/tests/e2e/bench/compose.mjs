// Writing in a chat of 100,000 messages: from a key's press to the frame that shows its letter, and from the press that
// sends to the frame that shows the bubble. Beside the first an empty field of the same web engine, in the same run.
import { Key } from 'selenium-webdriver';

import { Lab, Profile, Telegram, Window, quantile, until } from '../harness.mjs';

const HISTORY = 100_000;
const LETTERS = 200;
const SENT = 20;
const PHONE = '380445550199';
/** Between two keys, in milliseconds: a person who types fast. */
const BETWEEN = 60;

export async function compose() {
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    const telegram = await Telegram.start(lab, profile);
    const { account, telethon } = await telegram.ask('add_account', { phone: PHONE, first_name: 'Бюро' });
    const olena = await telegram.ask('add_user', { first_name: 'Олена' });
    await telegram.ask('fill_history', { account, with: olena, count: HISTORY });
    await telegram.addAccount(profile, { name: 'Бюро', phone: PHONE, session: telethon });
    await profile.run(['listen', '--until-idle']);
    const stored = (await profile.messages()).length;
    if (stored < HISTORY) throw new Error(`${stored} of ${HISTORY} are stored`);
    const window = await Window.open(profile, { pictures: false });
    try {
      await window.pressRow('Олена');
      const field = await window.find('compose-text');
      await field.click();
      const ours = await typed(window, field);
      const peer = await typed(window, await plainField(window));
      await window.driver.executeScript(() => document.getElementById('bench-field').remove());
      const bubbles = await sent(window);
      const words = (all) => `p50 ${quantile(all, 0.5).toFixed(1)} ms, p99 ${quantile(all, 0.99).toFixed(1)} ms`;
      return [
        { what: `key to painted letter, chat of ${HISTORY} (${LETTERS})`, ours: words(ours), peer: `empty field ${words(peer)}`, ratio: (quantile(ours, 0.5) / quantile(peer, 0.5)).toFixed(2), budget: '16 ms' },
        { what: `Send to painted bubble (${SENT})`, ours: words(bubbles), budget: '50 ms' },
      ];
    } finally {
      await window.close();
    }
  } finally {
    await profile.remove();
    await lab.stop();
  }
}

/** A field of the same size in the same page that nothing listens to. */
async function plainField(window) {
  return window.driver.executeScript(() => {
    const field = document.createElement('textarea');
    field.id = 'bench-field';
    field.style.cssText = 'position: fixed; z-index: 9999; left: 40%; bottom: 0; width: 30rem; height: 6rem';
    document.body.append(field);
    return field;
  });
}

/** Milliseconds of each letter from the key's own time stamp to the frame after it. */
async function typed(window, field) {
  await window.driver.executeScript((field) => {
    window.__letters = [];
    let pressed = 0;
    field.addEventListener('keydown', (event) => { pressed = event.timeStamp; }, { capture: true });
    field.addEventListener('input', () => {
      const from = pressed;
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => window.__letters.push(performance.now() - from);
        port2.postMessage(null);
      });
    });
    field.focus();
  }, field);
  const letters = 'Доброго дня переклад готовий ';
  for (let at = 0; at < LETTERS; at++) {
    await window.driver.actions().sendKeys(letters[at % letters.length]).perform();
    await new Promise((wake) => setTimeout(wake, BETWEEN));
  }
  return until('every letter', () => window.driver.executeScript((count) => (window.__letters.length >= count ? window.__letters : null), LETTERS));
}

/** Milliseconds from the press that sends to the frame with the bubble. */
async function sent(window) {
  const all = [];
  for (let at = 0; at < SENT; at++) {
    const text = `Готово ${at} із ${SENT}`;
    await window.type('compose-text', text);
    await window.expectPaint('thread', text);
    await window.driver.executeScript(() => {
      window.onkeydown = (event) => { if (event.key === 'Enter') window.__pressed = performance.timeOrigin + event.timeStamp; };
    });
    await window.driver.actions().keyDown(Key.CONTROL).sendKeys(Key.ENTER).keyUp(Key.CONTROL).perform();
    const painted = await window.painted(text);
    all.push(painted - await window.driver.executeScript(() => window.__pressed));
  }
  return all;
}
