// The demo bureau: three mailboxes, 2,000 mails, two Telegram accounts, and customers who write every few seconds.
// `--headless` drives every screen instead of waiting for a person, and leaves pictures and a page that shows them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { API, APP, ARTEFACTS, CODE, Lab, Profile, Telegram, Window, arrival, quantile, until } from './harness.mjs';
import { page } from './demo/page.mjs';

const MAILS = 2000;
const PROBES = 20;
/** Customers write so often while the screens are driven: everything that they have to say, once. */
const CHATS = 12;
const SIZES = [[1024, 768], [1440, 900], [1920, 1080]];
const THEMES = ['light', 'dark'];
/** What is pictured, and how to get there. */
const SCREENS = {
  inbox: (window) => opened(window, ''),
  chat: (window) => chatOpened(window, 'Олена Шевченко'),
  album: (window) => chatOpened(window, 'Agnieszka Wiśniewska'),
  group: (window) => chatOpened(window, 'Перекладачі «Слово»'),
  newsletter: (window) => opened(window, 'Знижки на словники'),
  accounts: (window) => window.press('nav-accounts'),
  'add mailbox': async (window) => {
    await window.press('nav-accounts');
    await window.press('add-mailbox');
    await window.find('wizard');
  },
  'add telegram': async (window) => {
    await window.press('nav-accounts');
    await window.press('add-mailbox');
    await window.press('channel-telegram');
    await window.find('phone');
  },
  logs: (window) => window.press('nav-logs'),
  diagnostics: async (window) => {
    await window.press('nav-diagnostics');
    await window.find('check');
  },
  settings: (window) => window.press('nav-settings'),
};
/** The bureau's accounts, and one that nobody has added. */
const ACCOUNTS = [
  { name: 'Бюро «Слово»', phone: '380445550101' },
  { name: 'Biuro Słowo', phone: '48225550102' },
];
const SPARE = '380445550103';
const PEOPLE = ['Олена Шевченко', 'Paweł Wiśniewski', 'Grace Hughes', 'Тарас Мельник', 'Zofia Dąbrowska'];

const lab = await Lab.start();
const profile = new Profile();
const telegram = await Telegram.start(lab, profile);
try {
  const mailboxes = await lab.ask('fill_bureau', { count: MAILS, seed: 2025, until: new Date().toISOString() });
  for (const [at, mailbox] of mailboxes.entries()) {
    await profile.addMailbox(lab, mailbox, at === 0 ? 'loopback_plain' : 'tls');
    console.log(`   ${mailbox.name} <${mailbox.address}>: ${mailbox.mails} mails`);
  }
  const { accounts } = await telegram.ask('demo', { until: new Date().toISOString() });
  for (const [at, { name, phone }] of ACCOUNTS.entries()) {
    await telegram.addAccount(profile, { name, phone, session: accounts[at].telethon });
    console.log(`   ${name}, Telegram +${phone}`);
  }
  await telegram.ask('add_account', { phone: SPARE, first_name: 'Запасний' });
  if (process.argv.includes('--headless')) await headless(mailboxes, accounts);
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
    writes(letters++).catch(console.error);
    telegram.lead().catch(console.error);
  }, 4000);
  console.log(`   To add one more Telegram account: +${SPARE}, API ID ${API.id}, API hash ${API.hash}, code ${CODE}.`);
  console.log('   A customer writes every four seconds. Close the window to end the demo.');
  await once(app, 'exit');
  clearInterval(writing);
}

/** Lets a customer write, by mail and in Telegram in turn. */
function writes(turn) {
  if (turn % 2 === 1) return telegram.ask('customer_writes');
  return lab.ask('customer_writes', { mailbox: (turn / 2) % 3, now: new Date().toISOString() });
}

async function headless(mailboxes, accounts) {
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
    Object.assign(figures, await arrivals(window, mailboxes[0].user), await chatArrivals(window, accounts[0].account));
    for (let said = 0; said < CHATS; said++) await telegram.ask('customer_writes');
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
  return states.length === 3 + ACCOUNTS.length && states.every((state) => state === 'live');
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

/** From the push to the painted row. */
async function chatArrivals(window, account) {
  const customer = await telegram.ask('add_user', { first_name: 'Зоряна', last_name: 'Квітень' });
  const took = [];
  for (let probe = 0; probe < PROBES; probe++) {
    const text = `Чи готовий переклад? Замовлення № ${80_000 + probe}`;
    await window.expectPaint('conversation-list', text);
    const { at } = await telegram.says(customer, account, text);
    took.push((await window.painted(text)) - at);
  }
  const ms = (share) => Math.round(quantile(took, share));
  return { 'from Telegram to the screen, ms': `median ${ms(0.5)}, slowest ${ms(1)} (${PROBES} messages)` };
}

/** Holds what is stored against what the server has. */
async function counted(mailboxes) {
  let there = 0;
  for (const { user } of mailboxes) {
    for (const folder of ['INBOX', 'Sent']) there += Object.keys(await lab.ask('flags', { user, folder })).length;
  }
  const messages = await profile.messages();
  const keysOf = (channel) => messages.filter((message) => message.channel === channel).map((message) => `${message.account} ${message.remote_key}`);
  const [mails, chats] = [keysOf('email'), keysOf('telegram')];
  const [stored, chatsStored] = [new Set(mails).size, new Set(chats).size];
  return { 'mails stored': stored, 'chat messages stored': chatsStored, missing: there - stored, doubled: messages.length - stored - chatsStored };
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

/** Opens a chat by the name that heads it. */
async function chatOpened(window, name) {
  await window.press('nav-inbox');
  await window.type('search-input', '');
  await window.press('filter-telegram');
  await window.pressRow(name);
  await window.find('thread');
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
