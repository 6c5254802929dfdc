// A first sync of 20,000 mails, durably stored, against mbsync with its default fsync fetching the same mailbox; and
// how long after it the last of them can be found.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { Lab, Profile, quantile, until } from '../harness.mjs';
import { cpuSeconds } from '../harness/processes.mjs';

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
      ours: `${Math.round(MAILS / ours.synced)}/s (${ours.synced.toFixed(1)} s)`,
      peer: `mbsync ${Math.round(MAILS / peer)}/s (${peer.toFixed(1)} s)`,
      ratio: (peer / ours.synced).toFixed(2),
      budget: '>= 3',
    }, {
      what: 'searchable after the first sync',
      ours: `${ours.searchable.toFixed(1)} s`,
      budget: '<= 10 s',
    }];
  } finally {
    await lab.stop();
  }
}

/** Rounds of a first sync with the log and with next to none, one after the other: what else the computer does meanwhile hits both. */
const ROUNDS = 5;

/** What the log costs a first sync: what it writes by itself, beside errors alone. */
export async function logging() {
  const lab = await Lab.start();
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    await lab.ask('fill_bench', { user: MAILBOX.user, count: MAILS });
    await lab.ask('flags', { user: MAILBOX.user, folder: 'INBOX' });
    const took = { INFO: [], ERROR: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const level of round % 2 === 0 ? ['INFO', 'ERROR'] : ['ERROR', 'INFO']) took[level].push(await skrynka(lab, level));
    }
    const median = (level, figure) => quantile(took[level].map((one) => one[figure]), 0.5);
    const row = (what, figure) => ({
      what: `first sync of ${MAILS} mails with the log, ${what} (${ROUNDS})`,
      ours: `${median('INFO', figure).toFixed(2)} s`,
      peer: `errors alone ${median('ERROR', figure).toFixed(2)} s`,
      ratio: (median('INFO', figure) / median('ERROR', figure)).toFixed(3),
      budget: '<= 1.02',
    });
    return [row('time', 'synced'), row('processor', 'cpu')];
  } finally {
    await lab.stop();
  }
}

/**
 * `synced`: from the start of the program, its database included, until it has told of the last mail as stored.
 * `searchable`: from then until no mail waits for the index any more. `cpu`: the seconds of processor that the program took
 * for both, its database apart.
 */
async function skrynka(lab, level = 'INFO') {
  const profile = new Profile();
  try {
    const file = join(profile.folder, 'settings.json');
    const settings = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    writeFileSync(file, JSON.stringify({ ...settings, log_level: level }));
    await profile.addMailbox({ endpoints: { ...lab.endpoints, imap: lab.endpoints.imap_direct } }, MAILBOX);
    const begun = performance.now();
    const listener = profile.start('listen');
    try {
      await stored(listener, MAILS);
      const synced = performance.now();
      await until('the search index', () => indexed(profile), { within: 120_000, every: 200 });
      const searchable = performance.now();
      const cpu = cpuSeconds([listener.pid]);
      const there = (await profile.messages()).length;
      if (there !== MAILS) throw new Error(`${there} of ${MAILS} mails were stored`);
      return { synced: (synced - begun) / 1000, searchable: (searchable - synced) / 1000, cpu };
    } finally {
      const ended = once(listener, 'exit');
      listener.kill('SIGTERM');
      await ended;
    }
  } finally {
    await profile.remove();
  }
}

/** Waits until the program has told of so many stored messages. */
async function stored(listener, count) {
  let told = 0;
  for await (const line of createInterface({ input: listener.stdout })) {
    if (JSON.parse(line).kind === 'message_stored' && ++told === count) break;
  }
  // What it tells from here on must not fill the pipe.
  listener.stdout.resume();
  if (told < count) throw new Error(`The program ended after ${told} of ${count} mails`);
}

/** Whether no message waits for the search index, as `doctor` tells it. */
async function indexed(profile) {
  const checks = await profile.run(['doctor']);
  return checks.find((check) => check.name === 'search')?.state === 'ok';
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
    const begun = performance.now();
    const child = spawn('mbsync', ['-q', '-c', join(folder, 'mbsyncrc'), 'bench'], { stdio: 'inherit' });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`mbsync ended with ${code}`);
    const seconds = (performance.now() - begun) / 1000;
    const fetched = ['cur', 'new'].flatMap((name) => readdirSync(join(mails, 'INBOX', name))).length;
    if (fetched !== MAILS) throw new Error(`mbsync fetched ${fetched} of ${MAILS} mails`);
    return seconds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
