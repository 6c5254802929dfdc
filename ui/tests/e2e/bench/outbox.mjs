// Mail going out: 200 mails that are due at one moment, from that moment to the server's last one, beside Python's
// smtplib over one connection. Ours are stored before and after; smtplib stores nothing. Ours knows when they are due, and
// reads them and signs in before; smtplib has its mails ready and signs in when they are. Once by the window, which paints
// each of them, and once by `skrynka listen`.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';

import { Lab, Profile, Window, until } from '../harness.mjs';

const MAILS = 200;
const RUNS = 3;
/** Until then all of a run are in the outbox, in milliseconds. */
const AHEAD = 15_000;
const MAILBOX = { user: 'outbox', name: 'Outbox', address: 'outbox@skrynka.test', password: 'bench' };

const PEER = `
import smtplib, sys, time
from email.message import EmailMessage
address, user, password, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
host, port = address.rsplit(":", 1)
mails = []
for number in range(count):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "outbox@skrynka.test", f"customer{number}@example.org", f"Peer {number}"
    mail.set_content("Доброго дня! Переклад готовий.\\n" * 20)
    mails.append(mail)
begun = time.perf_counter()
with smtplib.SMTP(host, int(port)) as smtp:
    smtp.login(user, password)
    for mail in mails:
        smtp.send_message(mail)
print(time.perf_counter() - begun)
`;

export async function outbox() {
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    await profile.addMailbox(lab, MAILBOX);
    const window = await Window.open(profile, { pictures: false });
    try {
      await window.find('compose-new');
      const account = await window.driver.executeAsyncScript((done) => window.__TAURI_INTERNALS__.invoke('accounts').then(([first]) => done(first.id)));
      const [peers, ours] = [[], []];
      for (let run = 0; run < RUNS; run++) {
        const words = ['-c', PEER, lab.endpoints.smtp, MAILBOX.user, MAILBOX.password, String(MAILS)];
        peers.push(Number(execFileSync('python3', words, { encoding: 'utf8' })));
        const due = await queue(window, account, `Ours ${run}`, AHEAD);
        ours.push(await sent(lab, `Ours ${run}`, due));
      }
      const due = await queue(window, account, 'Listen', 2 * AHEAD);
      await window.close();
      const listener = profile.start('listen');
      listener.stdout.resume();
      listener.stderr.resume();
      const alone = await sent(lab, 'Listen', due);
      listener.kill('SIGTERM');
      await once(listener, 'close');
      const median = (all) => all.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)];
      const rate = (seconds) => `${Math.round(MAILS / seconds)}/s`;
      const row = (how, seconds) => ({
        what: `${MAILS} mails out of the outbox, 4 connections, stored, ${how}`,
        ours: rate(seconds),
        peer: `smtplib ${rate(median(peers))}`,
        ratio: (median(peers) / seconds).toFixed(2),
        budget: '>= 1',
      });
      return [row(`painted (${RUNS})`, median(ours)), row('no window', alone)];
    } finally {
      await window.close();
    }
  } finally {
    await profile.remove();
    await lab.stop();
  }
}

/** Puts mails into the outbox that are due in so many milliseconds; answers with the moment. */
async function queue(window, account, subject, ahead) {
  const due = Date.now() + ahead;
  await window.driver.executeAsyncScript(async (account, subject, count, sendAt, done) => {
    for (let number = 0; number < count; number++) {
      const form = { to: [{ name: '', address: `customer${number}@example.org` }], cc: [], bcc: [], subject: `${subject}.${number}`, text: 'Доброго дня! Переклад готовий.\n'.repeat(20), entities: [], answers: null, quotes: false, files: [], pictures: [], sendAt };
      await window.__TAURI_INTERNALS__.invoke('send_mail', { account, conversation: null, form, draft: null });
    }
    done();
  }, account, subject, MAILS, new Date(due).toISOString());
  if (Date.now() > due) throw new Error('the outbox was not filled in time');
  return due;
}

/** Seconds from the moment at which the mails were due to the last of them at the server, by the server's own word: who
 * asks again and again would take the time that is measured. */
async function sent(lab, subject, due) {
  const times = await until('the mails', async () => {
    const taken = await lab.ask('smtp_times', { subject: `${subject}.` });
    return taken.length === MAILS && taken;
  }, { within: 60_000, every: 500 });
  return (times.at(-1) - due) / 1000;
}
