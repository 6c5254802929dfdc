// Accounts that change beside the open window, and in it: the journal alone starts and stops their listeners.
import assert from 'node:assert/strict';

import { Lab, Profile, Window, windowTest } from './harness.mjs';

const MAILBOX = { user: 'beside', name: 'Поруч', address: 'beside@skrynka.test', password: 'пароль-2025' };

windowTest('an account is followed, whoever adds it and switches it', { timeout: 180_000 }, async () => {
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    const window = await Window.open(profile);
    try {
      await window.press('nav-accounts');
      await profile.addMailbox(lab, MAILBOX);
      await window.find('account-row', { state: 'live' });

      const [account] = await profile.run(['account', 'list']);
      await profile.run(['account', 'disable', account.id]);
      await window.find('account-row', { state: 'stopped' });

      await window.press('account-row');
      await window.press('account-pause');
      await window.find('account-row', { state: 'live' });
      await window.press('account-pause');
      await window.find('account-row', { state: 'stopped' });

      await profile.run(['account', 'remove', account.id]);
      await window.driver.wait(async () => (await window.findAll('account-row')).length === 0, 30_000);
    } finally {
      await window.close();
    }
    assert.deepEqual(await profile.run(['account', 'list']), []);
  } finally {
    await profile.remove();
    await lab.stop();
  }
});
