// Mail answered in the real window: what was typed outlives the program, one is taken back, and what
// was sent stands once at the server, once in the Sent folder and once in the conversation.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ARTEFACTS, Lab, Profile, Window, evidence, until, windowTest } from './harness.mjs';

const MAILBOX = { user: 'answers', name: 'Бюро «Слово»', address: 'answers@skrynka.test', password: 'пароль-2026' };

const letter = (number, name) => `From: ${name} <customer${number}@example.org>
To: <${MAILBOX.address}>
Cc: <second@example.org>
Subject: Order ${number}
Message-ID: <order${number}@example.org>
Date: Thu, 26 Nov 2026 08:0${number}:00 +0200
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

How much is the translation of order ${number}?
`;

const sent = (lab) => lab.ask('smtp_mails');
const copies = async (lab) => Object.keys(await lab.ask('flags', { user: MAILBOX.user, folder: 'Sent' })).length;
const header = (mail, name) => new RegExp(`^${name}: (.*(?:\r\n[ \t].*)*)`, 'im').exec(mail.raw)?.[1].replace(/\r\n[ \t]/g, ' ');

/** Types into the composer and waits until the draft is stored. */
async function write(window, text) {
  const area = await window.find('mail-text');
  await area.click();
  await area.sendKeys(text);
}

async function open(window, subject) {
  await window.shows('conversation-list', subject);
  const rows = await window.findAll('conversation-row');
  for (const row of rows) if ((await row.getText()).includes(subject)) return row.click();
  throw new Error(`no row for ${subject}`);
}

windowTest('mails are answered, taken back, and outlive the program', { timeout: 300_000 }, async () => {
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    for (const [number, name] of ['Olena', 'Petro', 'Iryna', 'Taras'].entries()) {
      await lab.ask('deliver', { user: MAILBOX.user, raw: letter(number + 1, name) });
    }
    await profile.addMailbox(lab, MAILBOX);
    const paper = join(ARTEFACTS, 'Свідоцтво.pdf');
    writeFileSync(paper, 'paper '.repeat(400_000));

    // The power goes while somebody types.
    let window = await Window.open(profile);
    await open(window, 'Order 1');
    await window.press('mail-reply');
    await write(window, 'Good day! The price is 500 UAH, ready on Friday.');
    await new Promise((wake) => setTimeout(wake, 1500));
    await window.kill();

    window = await Window.open(profile);
    try {
      await open(window, 'Order 1');
      const area = await window.find('mail-text');
      assert.match(await area.getAttribute('value'), /^Good day! The price is 500 UAH, ready on Friday\./, 'every letter is back');
      await window.picture(join(ARTEFACTS, 'answer-draft.png'));
      await (await window.find('mail-attach')).sendKeys(paper);
      await window.driver.wait(async () => (await window.findAll('mail-file')).length === 1, 30_000);
      await window.picture(join(ARTEFACTS, 'answer-written.png'));
      await window.press('mail-send');
      await until('the answer at the server', async () => (await sent(lab)).length === 1, { within: 30_000 });
      const [answer] = await sent(lab);
      assert.equal(header(answer, 'In-Reply-To'), '<order1@example.org>');
      assert.equal(header(answer, 'References'), '<order1@example.org>');
      assert.equal(header(answer, 'Subject'), 'Re: Order 1');
      assert.deepEqual(answer.to, ['customer1@example.org']);
      await until('the copy', async () => (await copies(lab)) === 1, { within: 30_000 });
      await window.shows('thread', 'The price is 500 UAH');
      await window.picture(join(ARTEFACTS, 'answer-sent.png'));

      // To all, and taken back.
      await open(window, 'Order 2');
      await window.press('mail-reply-all');
      await write(window, 'Wrong price');
      await window.press('mail-send');
      await window.press('mail-undo');
      const back = await window.find('mail-text');
      assert.match(await back.getAttribute('value'), /^Wrong price/);
      await new Promise((wake) => setTimeout(wake, 6000));
      assert.equal((await sent(lab)).length, 1, 'what was taken back is not sent');
      await window.type('mail-text', 'Right price');
      assert.equal(await (await window.find('mail-text')).getAttribute('value'), 'Right price');
      await window.press('mail-send');
      await until('the second answer', async () => (await sent(lab)).length === 2, { within: 30_000 });
      const second = (await sent(lab))[1];
      assert.match(second.raw, /\r\n\r\nRight price\r\n/);
      assert.deepEqual(second.to.toSorted(), ['customer2@example.org', 'second@example.org']);

      // A server that refuses says so in the conversation, and the words are kept.
      await lab.ask('smtp_fault', { fault: 'refuse_mail' });
      await open(window, 'Order 3');
      await window.press('mail-reply');
      await write(window, 'This one is refused');
      await window.press('mail-send');
      await window.shows('outgoing-mail', '554', 30_000);
      await window.picture(join(ARTEFACTS, 'answer-failed.png'));
      await lab.ask('smtp_fault', { fault: 'none' });
      await window.press('outgoing-retry');
      await until('the third answer', async () => (await sent(lab)).length === 3, { within: 30_000 });

      // Nobody knows whether a mail was sent whose end was cut: a person decides.
      await lab.ask('smtp_fault', { fault: 'close_after_mail' });
      await open(window, 'Order 4');
      await window.press('mail-reply');
      await write(window, 'Perhaps sent');
      await window.press('mail-send');
      await window.find('outgoing-confirm', {}, 30_000);
      await window.picture(join(ARTEFACTS, 'answer-uncertain.png'));
      await lab.ask('smtp_fault', { fault: 'none' });
      await new Promise((wake) => setTimeout(wake, 3000));
      assert.equal((await sent(lab)).length, 4, 'it is not sent again by itself');
      await window.press('outgoing-confirm');
      await window.shows('thread', 'Perhaps sent');
      await window.driver.wait(async () => (await window.findAll('outgoing-mail')).length === 0, 30_000);
      await until('four copies', async () => (await copies(lab)) === 4, { within: 30_000 });
      assert.equal((await sent(lab)).length, 4);
      evidence('P1 nothing lost, nothing doubled', 'mail answered in the real window', '4 answers, 1 draft after a kill, 1 taken back, 1 refused, 1 unknown: each sent once');
    } finally {
      await window.close();
    }
    await profile.run(['listen', '--until-idle']);
    const messages = (await profile.run(['export', 'messages'])).filter(({ direction }) => direction === 'out');
    assert.equal(messages.length, 4, 'each is one message here');
  } finally {
    await profile.remove();
    await lab.stop();
  }
});
