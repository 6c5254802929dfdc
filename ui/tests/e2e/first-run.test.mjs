// A newcomer's first run in the real window: every step, left and taken up again, to an inbox that fills.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ARTEFACTS, Lab, Profile, Window, evidence, until, windowTest } from './harness.mjs';

const MAILS = 300;
const MAILBOX = { user: 'first', address: 'first@skrynka.test', password: 'пароль-2025' };

windowTest('a newcomer comes from the first window to an inbox that fills', { timeout: 240_000 }, async () => {
  const lab = await Lab.start();
  const profile = new Profile({ fresh: true });
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    await lab.ask('fill_bench', { user: MAILBOX.user, count: MAILS });
    const phrase = readFileSync(profile.keyFile, 'utf8');

    let window = await Window.open(profile);
    try {
      for (const [language, words] of [['en', 'Which language'], ['pl', 'Jaki język'], ['uk', 'Якою мовою']]) {
        await window.press(`language-${language}`);
        await window.shows('first-run', words);
        await pictures(window, `first-language-${language}`);
      }
      await window.press('first-next');
      // This computer has no keyring: the vault is the choice that works.
      await window.find('vault-passphrase');
      await inEveryLanguage(window, 'first-vault');
      await window.close();

      // What was reached is reached after a restart.
      window = await Window.open(profile);
      await window.makeVault(phrase);
      await inEveryLanguage(window, 'first-secrets');
      await window.press('first-next');
      await window.find('first-data');
      await inEveryLanguage(window, 'first-data');
      // A server that is none is refused where it was typed, and the other choice still works.
      await window.press('data-server');
      await window.type('first-server-url', 'postgres://olena@127.0.0.1:1/skrynka');
      await window.press('first-next');
      await window.find('what-is-this');
      await pictures(window, 'first-server-refused');
      await window.press('data-private');
      await window.press('first-next');
      await window.find('first-account', { phase: 'ready' }, 60_000);
      await inEveryLanguage(window, 'first-account');
      await window.kill();

      window = await Window.open(profile);
      await window.type('vault-passphrase', phrase);
      await window.press('vault-submit');
      await window.find('first-account', { phase: 'ready' }, 60_000);
      const began = Date.now();
      await window.press('first-add');
      await lab.ask('proxy', { mode: { rate: 1_500_000 } });
      await addMailbox(window, lab);
      // The first run ends by itself, in the inbox, where the mailbox fills.
      await window.find('conversation-row', {}, 60_000);
      evidence('P7 newcomer', 'from the last step of the first run to the first row', `${Math.round((Date.now() - began) / 1000)} s`);
      await pictures(window, 'first-inbox');
      await lab.ask('proxy', { mode: 'pass' });
    } finally {
      await window.close();
    }
    await until('every mail to be stored', async () => {
      await profile.run(['listen', '--until-idle']);
      return (await profile.messages()).length === MAILS;
    }, { within: 60_000 });
    const settings = JSON.parse(readFileSync(join(profile.folder, 'settings.json'), 'utf8'));
    assert.equal(settings.first_run, null, 'the first run is over');

    // A second start goes straight to the inbox.
    window = await Window.open(profile);
    try {
      await window.type('vault-passphrase', phrase);
      await window.press('vault-submit');
      await window.find('conversation-row', {}, 60_000);
      await window.press('nav-settings');
      await window.press('autostart');
      const entry = () => readFileSync(join(profile.home, '.config/autostart/Skrynka.desktop'), 'utf8');
      await until('the entry of the desktop', () => {
        try {
          return entry().includes(`--profile "${profile.folder}"`);
        } catch {
          return false;
        }
      });
    } finally {
      await window.close();
    }
  } finally {
    await profile.remove();
    await lab.stop();
  }
});

async function addMailbox(window, lab) {
  await window.typeMailbox(lab, MAILBOX);
  await window.press('wizard-next');
  await window.press('since-all');
  await window.press('wizard-next');
  await window.find('wizard', { step: 'test' });
  await window.press('wizard-next');
  await window.find('wizard', { step: 'done' });
  await window.type('mailbox-name', 'Перша');
  await window.press('wizard-done');
}

/** Pictures of a step in each language, at every width in the one it ends in: Ukrainian. */
async function inEveryLanguage(window, name) {
  for (const language of ['en', 'pl', 'uk']) {
    await window.press(`first-language-${language}`);
    await until('the language', () => window.driver.executeScript((language) => document.documentElement.lang === language, language));
    await pictures(window, `${name}-${language}`, language === 'uk' ? [1024, 1920, 1440] : [1440]);
  }
}

/** Pictures in both themes. */
async function pictures(window, name, widths = [1440]) {
  for (const width of widths) {
    if (widths.length > 1) await window.resize(width, { 1024: 700, 1440: 900, 1920: 1080 }[width]);
    for (const theme of ['dark', 'light']) {
      await window.theme(theme);
      await window.picture(join(ARTEFACTS, `${name}-${width}-${theme}.png`));
    }
  }
}
