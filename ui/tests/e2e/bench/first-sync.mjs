// A first sync of 20,000 mails, durably stored, against mbsync with its default fsync fetching the same mailbox.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Lab, Profile } from '../harness.mjs';

const MAILS = 20_000;
const MAILBOX = { user: 'bench', name: 'Bench', address: 'bench@skrynka.test', password: 'bench' };

export async function firstSync() {
  const lab = await Lab.start();
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    await lab.ask('fill_bench', { user: MAILBOX.user, count: MAILS });
    // The first reader pays for the server's index; that is neither of the two.
    await lab.ask('flags', { user: MAILBOX.user, folder: 'INBOX' });
    const peer = await mbsync(lab);
    const ours = await skrynka(lab);
    return [{
      what: `first sync of ${MAILS} mails`,
      ours: `${Math.round(MAILS / ours)}/s (${ours.toFixed(1)} s)`,
      peer: `mbsync ${Math.round(MAILS / peer)}/s (${peer.toFixed(1)} s)`,
      ratio: (peer / ours).toFixed(2),
      budget: '>= 3',
    }];
  } finally {
    await lab.stop();
  }
}

/** From the start of the program, its database included, until the account has caught up and the program has ended. */
async function skrynka(lab) {
  const profile = new Profile();
  try {
    await profile.addMailbox({ endpoints: { ...lab.endpoints, imap: lab.endpoints.imap_direct } }, MAILBOX);
    const seconds = await timed(() => profile.run(['listen', '--until-idle']));
    const stored = (await profile.messages()).length;
    if (stored !== MAILS) throw new Error(`${stored} of ${MAILS} mails were stored`);
    return seconds;
  } finally {
    await profile.remove();
  }
}

async function mbsync(lab) {
  const folder = mkdtempSync(join(tmpdir(), 'skrynka-mbsync-'));
  const [host, port] = lab.endpoints.imap_direct.split(':');
  const mails = join(folder, 'mails');
  mkdirSync(mails);
  writeFileSync(join(folder, 'mbsyncrc'), `IMAPAccount lab
Host ${host}
Port ${port}
User ${MAILBOX.user}
Pass ${MAILBOX.password}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account lab

MaildirStore near
Path ${mails}/
Inbox ${mails}/INBOX

Channel bench
Far :far:
Near :near:
Patterns INBOX
Create Near
Sync Pull
SyncState *
`);
  try {
    const seconds = await timed(async () => {
      const child = spawn('mbsync', ['-q', '-c', join(folder, 'mbsyncrc'), 'bench'], { stdio: 'inherit' });
      const [code] = await once(child, 'exit');
      if (code !== 0) throw new Error(`mbsync ended with ${code}`);
    });
    const fetched = ['cur', 'new'].flatMap((name) => readdirSync(join(mails, 'INBOX', name))).length;
    if (fetched !== MAILS) throw new Error(`mbsync fetched ${fetched} of ${MAILS} mails`);
    return seconds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timed(work) {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
