// The road in the real window: from a real mailbox to a painted row, through kills, nothing lost, nothing doubled.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';

import { ARTEFACTS, Lab, Profile, Window, arrival, deliver, evidence, quantile, until, windowTest } from './harness.mjs';

const MAILS = 500;
/** More than one batch, so that there is a middle to be killed in. */
const MANY = 2000;
const PROBES = 10;
const MAILBOX = { user: 'road', name: 'Дорога', address: 'road@skrynka.test', password: 'пароль-2025' };

/** Makes the lab's mailbox and lets the work happen beside it; cleans up after it. */
async function withMailbox(mails, work) {
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    await lab.ask('fill_bench', { user: MAILBOX.user, count: mails });
    await work(lab, profile);
  } finally {
    await profile.remove();
    await lab.stop();
  }
}

windowTest('a mailbox added through the screens fills up, and new mail paints itself', { timeout: 240_000 }, () =>
  withMailbox(MAILS, async (lab, profile) => {
    const flags = await lab.ask('flags', { user: MAILBOX.user, folder: 'INBOX' });
    let window = await Window.open(profile);
    try {
      await slow(lab);
      await addThroughScreens(window, lab);
      const progress = await window.find('account-progress');
      assert.ok(await progress.isDisplayed());
      await picture(window, 'accounts-syncing');
      await lab.ask('proxy', { mode: 'pass' });
      await live(window);

      await window.press('nav-inbox');
      const took = [];
      for (let probe = 0; probe < PROBES; probe++) took.push(await arrival(lab, window, MAILBOX.user, `Проба ${probe}`));
      const figure = `median ${Math.round(quantile(took, 0.5))} ms, slowest ${Math.round(Math.max(...took))} ms of ${PROBES}`;
      evidence('P2 live', 'new mail from the server\'s word to the painted row', figure);
      await pictures(window);
      await window.close();

      await deliver(lab, MAILBOX.user, 'Поки нікого не було');
      window = await Window.open(profile);
      await window.shows('conversation-list', 'Поки нікого не було');
    } finally {
      await window.close();
    }
    const subjects = await storedOnce(profile, MAILS + PROBES + 1);
    assert.ok(subjects.has('Поки нікого не було'));
    const after = await lab.ask('flags', { user: MAILBOX.user, folder: 'INBOX' });
    for (const [uid, before] of Object.entries(flags)) assert.deepEqual(after[uid], before, `flags of ${uid}`);
  }));

windowTest('a window killed twice in the middle of a sync has every mail once', { timeout: 240_000 }, () =>
  withMailbox(MANY, async (lab, profile) => {
    await profile.addMailbox(lab, MAILBOX);
    await slow(lab);
    let interrupted = 0;
    for (let kill = 0; kill < 2; kill++) {
      const window = await Window.open(profile);
      await window.press('nav-accounts');
      await window.press('account-more');
      await until('some mails to be stored', async () => (await storedSoFar(window)) > interrupted, { every: 20 });
      interrupted = await storedSoFar(window);
      await window.kill();
    }
    assert.ok(interrupted < MANY, `the sync was over before the last kill: ${interrupted}`);
    await lab.ask('proxy', { mode: 'pass' });
    const window = await Window.open(profile);
    try {
      await live(window);
    } finally {
      await window.close();
    }
    await storedOnce(profile, MANY);
    evidence('P1 nothing lost, nothing doubled', 'two kills in a first sync, in the window', `${MANY} of ${MANY}, none twice`);
  }));

test('the window comes back when the process that draws it dies', { timeout: 120_000 }, () =>
  withMailbox(20, async (lab, profile) => {
    await profile.addMailbox(lab, MAILBOX);
    const window = await Window.open(profile);
    try {
      await live(window);
      await window.press('nav-inbox');
      await deliver(lab, MAILBOX.user, 'До того');
      await window.shows('conversation-list', 'До того');
      const painted = () => profile.logged('Row painted').length;
      const before = await until('the row to be told of', painted);
      const first = window.drawing();
      process.kill(first, 'SIGKILL');
      await until('another process', () => ![undefined, first].includes(window.drawing()));
      // The driver knows only the process that died: the program's log says what the new one painted.
      await until('a row that came since', async () => {
        await deliver(lab, MAILBOX.user, 'Після того');
        await new Promise((wake) => setTimeout(wake, 500));
        return painted() > before;
      });
      assert.equal(profile.logged('The process that draws the window has died').length, 1);
    } finally {
      await window.kill();
    }
  }));

/** Slow enough that a sync can be watched and interrupted. */
function slow(lab) {
  return lab.ask('proxy', { mode: { rate: 1_500_000 } });
}

async function addThroughScreens(window, lab) {
  await window.press('add-mailbox');
  await window.typeMailbox(lab, MAILBOX);
  await picture(window, 'add-servers');
  await window.press('wizard-next');
  await window.press('since-all');
  await picture(window, 'add-since');
  await window.press('wizard-next');
  await window.find('wizard', { step: 'test' });
  await window.press('wizard-next');
  await picture(window, 'add-tested');
  await window.find('wizard', { step: 'done' });
  await window.type('mailbox-name', MAILBOX.name);
  await window.press('wizard-done');
  await window.find('account-row');
}

async function live(window) {
  await window.press('nav-accounts');
  await window.find('account-row', { state: 'live' }, 120_000);
}

/** Returns how many mails the opened account says are stored. */
async function storedSoFar(window) {
  return Number((await window.text('account-stored')).replaceAll(/\D/g, ''));
}

/** Every mail is stored exactly once; returns the subjects. */
async function storedOnce(profile, count) {
  const messages = await profile.messages();
  const subjects = new Set(messages.map((message) => message.subject));
  assert.equal(messages.length, count, 'stored');
  assert.equal(subjects.size, count, 'different');
  return subjects;
}

async function pictures(window) {
  for (const screen of ['inbox', 'accounts', 'logs', 'diagnostics', 'settings']) {
    await window.press(`nav-${screen}`);
    for (const theme of ['light', 'dark']) {
      await window.theme(theme);
      await picture(window, `${screen}-${theme}`);
    }
  }
}

function picture(window, name) {
  return window.picture(join(ARTEFACTS, `${name}.png`));
}
