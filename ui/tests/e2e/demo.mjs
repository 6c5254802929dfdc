// The demo bureau: three mailboxes, 2,000 mails, and a customer who writes every few seconds.
// `--headless` drives every screen instead of waiting for a person, and leaves pictures and a page that shows them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { APP, ARTEFACTS, Lab, Profile, Window, arrival, quantile, until } from './harness.mjs';
import { page } from './demo/page.mjs';

const MAILS = 2000;
const PROBES = 20;
const SIZES = [[1024, 768], [1440, 900], [1920, 1080]];
const THEMES = ['light', 'dark'];
/** What is pictured, and how to get there. */
const SCREENS = {
  inbox: (window) => opened(window, ''),
  newsletter: (window) => opened(window, 'Знижки на словники'),
  accounts: (window) => window.press('nav-accounts'),
  'add mailbox': async (window) => {
    await window.press('nav-accounts');
    await window.press('add-mailbox');
    await window.find('wizard');
  },
  logs: (window) => window.press('nav-logs'),
  diagnostics: async (window) => {
    await window.press('nav-diagnostics');
    await window.find('check');
  },
  settings: (window) => window.press('nav-settings'),
};
const PEOPLE = ['Олена Шевченко', 'Paweł Wiśniewski', 'Grace Hughes', 'Тарас Мельник', 'Zofia Dąbrowska'];

const lab = await Lab.start();
const profile = new Profile();
try {
  const mailboxes = await lab.ask('fill_bureau', { count: MAILS, seed: 2025, until: new Date().toISOString() });
  for (const [at, mailbox] of mailboxes.entries()) {
    await profile.addMailbox(lab, mailbox, at === 0 ? 'loopback_plain' : 'tls');
    console.log(`   ${mailbox.name} <${mailbox.address}>: ${mailbox.mails} mails`);
  }
  if (process.argv.includes('--headless')) await headless(mailboxes);
  else await shown();
} finally {
  await profile.remove();
  await lab.stop();
}

/** Opens the window for a person and lets a customer write until it is closed. */
async function shown() {
  const { HOME, LANG = '' } = process.env;
  const app = spawn(APP, profile.arguments, { stdio: 'inherit', env: { ...profile.environment, HOME, LANG } });
  process.once('SIGINT', () => app.kill());
  let letters = 0;
  const writing = setInterval(() => {
    lab.ask('customer_writes', { mailbox: letters++ % 3, now: new Date().toISOString() }).catch(console.error);
  }, 4000);
  console.log('   A customer writes every four seconds. Close the window to end the demo.');
  await once(app, 'exit');
  clearInterval(writing);
}

async function headless(mailboxes) {
  const begun = Date.now();
  const window = await Window.open(profile);
  const figures = {};
  const pictures = [];
  try {
    await window.find('conversation-row');
    figures['window and first row, s'] = seconds(begun);
    await until('the first sync', () => caughtUp(window), { within: 180_000, every: 200 });
    figures['first sync, s'] = seconds(begun);
    await window.press('nav-settings');
    await window.choose('language-select', 'uk');
    Object.assign(figures, await arrivals(window, mailboxes[0].user));
    for (let letter = 0; letter < 9; letter++) {
      const { subject } = await lab.ask('customer_writes', { mailbox: letter % 3, now: new Date().toISOString() });
      await window.shows('conversation-list', subject);
    }
    for (const [screen, show] of Object.entries(SCREENS)) {
      await show(window);
      pictures.push(...await pictured(window, screen));
    }
  } finally {
    await window.close();
  }
  Object.assign(figures, await counted(mailboxes));
  for (const [name, value] of Object.entries(figures)) console.log(`   ${name.padEnd(32)} ${value}`);
  writeFileSync(join(ARTEFACTS, 'index.html'), page(figures, pictures));
  if (figures.missing !== 0 || figures.doubled !== 0) process.exitCode = 1;
}

/** Every account says that it is live. */
async function caughtUp(window) {
  await window.press('nav-accounts');
  const rows = await window.findAll('account-row');
  const states = await Promise.all(rows.map((row) => row.getAttribute('data-state')));
  return states.length === 3 && states.every((state) => state === 'live');
}

/** From the server's word on the wire to the painted row. */
async function arrivals(window, user) {
  await window.press('nav-inbox');
  const took = [];
  for (let probe = 0; probe < PROBES; probe++) {
    const person = `${PEOPLE[probe % PEOPLE.length]} <client${probe}@example.net>`;
    took.push(await arrival(lab, window, user, `Замовлення № ${90_000 + probe}`, person));
  }
  const ms = (share) => Math.round(quantile(took, share));
  return { 'from the server to the screen, ms': `median ${ms(0.5)}, slowest ${ms(1)} (${PROBES} mails)` };
}

/** Holds what is stored against what the server has. */
async function counted(mailboxes) {
  let there = 0;
  for (const { user } of mailboxes) {
    for (const folder of ['INBOX', 'Sent']) there += Object.keys(await lab.ask('flags', { user, folder })).length;
  }
  const keys = (await profile.messages()).map((message) => `${message.account} ${message.remote_key}`);
  const stored = new Set(keys).size;
  return { stored, missing: there - stored, doubled: keys.length - stored };
}

/** Opens the newest conversation, or the first that a search finds. */
async function opened(window, wanted) {
  await window.press('nav-inbox');
  if (wanted) {
    await window.type('search-input', wanted);
    await window.shows('search-results', wanted);
  }
  await window.press('conversation-row');
  await window.find('message');
}

async function pictured(window, screen) {
  const pictures = [];
  for (const [width, height] of SIZES) {
    await window.resize(width, height);
    for (const theme of THEMES) {
      await window.theme(theme);
      const file = `${screen.replaceAll(' ', '-')}-${width}-${theme}.png`;
      await window.picture(join(ARTEFACTS, file));
      pictures.push({ screen, width, theme, file });
    }
  }
  return pictures;
}

function seconds(since) {
  return Number(((Date.now() - since) / 1000).toFixed(1));
}
