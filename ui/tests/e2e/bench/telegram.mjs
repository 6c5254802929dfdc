// Telegram beside Telethon, on the same data centre in the same run: a burst of pushes and a long history, stored; and
// twenty accounts that live for a while.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { APP, Lab, Profile, until } from '../harness.mjs';
import { allocated, cpuSeconds, workingIn } from '../harness/processes.mjs';

const PUSHES = 20_000;
const HISTORY = 50_000;
/** So many show the pace that Telethon keeps. */
const PACED = 5_000;
const ACCOUNTS = 20;
const IDLE_SECONDS = 60;
/** Minutes of traffic in which memory is watched. */
const TRAFFIC_MINUTES = Number(process.env.SKRYNKA_BENCH_MINUTES ?? 10);
/** Messages an account gets in a minute of traffic. */
const PER_MINUTE = 30;

export async function telegram() {
  const lab = await Lab.start();
  const network = new Network(lab);
  try {
    return [...await pushes(network), ...await history(network), ...await living(network)];
  } finally {
    await lab.stop();
  }
}

/** 20,000 messages pushed to a client that is connected, until the last is stored; Telethon keeps none. */
async function pushes(network) {
  const account = await network.account('+380445550101');
  const customer = await network.customer(account, 'Olena');
  const telethon = new Telethon(account.telethon, 'receive', PUSHES);
  await telethon.ready;
  telethon.go();
  await network.burst(customer, account, PUSHES);
  const peer = await telethon.ended;

  // What Telethon saw is the past of this one, and not taken.
  const other = await network.account('+380445550102');
  const writer = await network.customer(other, 'Petro');
  const ours = await withListener([other], async (listener) => {
    await listener.stored(1);
    const begun = performance.now();
    const stored = listener.stored(PUSHES);
    await network.burst(writer, other, PUSHES);
    await stored;
    return { seconds: (performance.now() - begun) / 1000, messages: (await listener.messages()).filter(({ text }) => text.startsWith('Burst')).length };
  });
  return [row(`${PUSHES} pushed messages`, ours, peer, PUSHES, '>= 2, 0 missing')];
}

/** 50,000 messages of one chat's past, from the start of the program until the last is stored; Telethon keeps none. */
async function history(network) {
  const account = await network.account('+380445550103');
  const customer = await network.customer(account, 'Iryna');
  await network.ask('fill_history', { account: account.account, with: customer, count: HISTORY });
  const quick = await new Telethon(account.telethon, 'history', customer, HISTORY + 1).ended;
  const paced = await new Telethon((await network.session(account)).telethon, 'paced', customer, PACED).ended;
  const ours = await withListener([await network.session(account)], async (listener) => {
    const begun = listener.begun;
    await listener.stored(HISTORY);
    return { seconds: (performance.now() - begun) / 1000, messages: (await listener.messages()).length - 1 };
  });
  return [
    row(`${HISTORY} messages of history, beside ${PACED} at Telethon's own pace`, ours, paced, HISTORY, '>= 3'),
    row(`${HISTORY} messages of history, beside Telethon without its pauses`, ours, quick, HISTORY, ''),
  ];
}

/** Twenty accounts at rest, and then with traffic. */
async function living(network) {
  const accounts = [];
  for (let number = 0; number < ACCOUNTS; number++) accounts.push(await network.account(`+3804455502${String(number).padStart(2, '0')}`));
  const customers = [];
  for (const account of accounts) customers.push(await network.customer(account, `Customer of ${account.account}`));
  return withListener(accounts, async (listener) => {
    await listener.stored(ACCOUNTS);
    await until('every account to be live', async () => (await listener.list()).every(({ state }) => state === 'live'), { within: 60_000, every: 500 });
    // Behind the first indexing and statistics.
    await sleep(15_000);
    const before = listener.cpu();
    await sleep(IDLE_SECONDS * 1000);
    const after = listener.cpu();
    const share = (of) => (((after[of] - before[of]) / IDLE_SECONDS) * 100).toFixed(2);

    const samples = [];
    const began = performance.now();
    let sent = 0;
    for (let minute = () => (performance.now() - began) / 60_000; minute() < TRAFFIC_MINUTES;) {
      const due = Math.floor(minute() * PER_MINUTE * ACCOUNTS);
      for (; sent < due; sent++) {
        const at = sent % ACCOUNTS;
        await network.burst(customers[at], accounts[at], 1, sent);
      }
      const last = samples.at(-1);
      if (last === undefined || minute() - last.minute >= 0.1) samples.push({ minute: minute(), mib: listener.memory() });
      await sleep(100);
    }
    // What fills with traffic to its bound is no growth: the log that the viewer shows holds 5,000 lines.
    const settled = samples.filter(({ minute }) => minute >= TRAFFIC_MINUTES / 2);
    const growth = slope(settled) * 60;
    const [first, last] = [settled[0].mib, settled.at(-1).mib];
    return [{
      what: `${ACCOUNTS} accounts at rest, idle CPU over ${IDLE_SECONDS} s`,
      ours: `${share('app')} % of a core (database ${share('database')} %)`,
      budget: '<= 1 %',
    }, {
      what: `${ACCOUNTS} accounts with ${PER_MINUTE * ACCOUNTS} messages a minute, what the program has allocated`,
      ours: `${growth.toFixed(1)} MiB/h, from ${first.toFixed(1)} to ${last.toFixed(1)} MiB in minutes ${settled[0].minute.toFixed(0)} to ${TRAFFIC_MINUTES}`,
      budget: '<= 2 MiB/h',
    }];
  });
}

function row(what, ours, peer, count, budget) {
  const said = ({ seconds, messages }) => `${Math.round(messages / seconds)}/s (${messages} in ${seconds.toFixed(1)} s)`;
  if (ours.messages < count) throw new Error(`${what}: ${count - ours.messages} are missing`);
  return { what, ours: said(ours), peer: `Telethon ${said(peer)}`, ratio: (ours.messages / ours.seconds / (peer.messages / peer.seconds)).toFixed(2), budget };
}

/** Least squares: by how much `mib` grows in a minute. */
function slope(samples) {
  const mean = (of) => samples.reduce((sum, sample) => sum + sample[of], 0) / samples.length;
  const [minute, mib] = [mean('minute'), mean('mib')];
  const [over, under] = samples.reduce(([a, b], sample) => [a + (sample.minute - minute) * (sample.mib - mib), b + (sample.minute - minute) ** 2], [0, 0]);
  return over / under;
}

function sleep(ms) {
  return new Promise((wake) => setTimeout(wake, ms));
}

/** The lab's Telegram. */
class Network {
  #lab;

  constructor(lab) {
    this.#lab = lab;
  }

  ask(what, fields) {
    return this.#lab.ask('telegram', { ask: { [what]: fields } });
  }

  async account(phone) {
    return { phone, ...await this.ask('add_account', { phone: phone.slice(1), first_name: 'Бюро' }) };
  }

  /** Another session of an account: one that was used elsewhere is never used again. */
  async session(account) {
    return { ...account, ...await this.ask('session', { account: account.account }) };
  }

  /** Somebody who has written to the account. */
  async customer(account, name) {
    const customer = await this.ask('add_user', { first_name: name });
    await this.ask('send', { from: customer, chat: { user: account.account }, text: 'Добрий день' });
    return customer;
  }

  burst(from, account, count, first = 0) {
    return this.ask('burst', { from, chat: { user: account.account }, first, count });
  }
}

/** Runs `skrynka listen` on a profile with these accounts while `work` looks at it. */
async function withListener(accounts, work) {
  const profile = new Profile();
  try {
    for (const account of accounts) {
      const words = ['account', 'add', 'telegram', '--name', `Бюро ${account.phone}`, '--phone', account.phone, '--api-id', '12345', '--secrets-stdin'];
      await profile.run(words, JSON.stringify({ session: account.telethon, api_hash: '0123456789abcdef0123456789abcdef' }));
    }
    const listener = new Listener(profile);
    try {
      return await work(listener);
    } finally {
      await listener.end();
    }
  } finally {
    await profile.remove();
  }
}

class Listener {
  #profile;
  #process;
  #told = 0;
  #waiting = [];

  constructor(profile) {
    this.#profile = profile;
    this.begun = performance.now();
    this.#process = profile.start('listen');
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      if (!line.includes('"message_stored"')) return;
      this.#told++;
      this.#waiting = this.#waiting.filter(({ from, count, resolve }) => this.#told < from + count || resolve());
    });
    this.#process.stderr.resume();
    this.#process.on('exit', () => this.#waiting.forEach(({ reject }) => reject(new Error(`The program ended after ${this.#told} messages`))));
  }

  /** Waits until the program has told of so many further messages as stored. */
  stored(count) {
    return new Promise((resolve, reject) => this.#waiting.push({ from: this.#told, count, resolve, reject }));
  }

  messages() {
    return this.#profile.messages();
  }

  list() {
    return this.#profile.run(['account', 'list']);
  }

  /** Processor seconds so far of the program and of its database. */
  cpu() {
    return { app: cpuSeconds([this.#process.pid]), database: cpuSeconds(workingIn(this.#profile.home)) };
  }

  /** What the program has allocated, in MiB. */
  memory() {
    return allocated(this.#process.pid);
  }

  async end() {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}

/** Telethon, unmodified, in the private environment that the lab's tests use too. */
class Telethon {
  #process;

  constructor(session, ...words) {
    const script = join(dirname(fileURLToPath(import.meta.url)), 'peer.py');
    this.#process = spawn(python(), [script, session, ...words.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
    const said = async () => {
      const { value, done } = await lines.next();
      if (done) throw new Error('Telethon has ended without a word');
      return JSON.parse(value);
    };
    this.ready = said();
    this.ended = this.ready.then(said);
    this.ended.catch(() => {});
  }

  go() {
    this.#process.stdin.write('\n');
  }
}

/** The Python of an environment with Telethon, made the first time. */
function python() {
  const pinned = ['telethon==1.45.0', 'cryptg==0.6.0'];
  const folder = join(dirname(dirname(APP)), 'tmp', pinned.join('-').replaceAll('==', '-'));
  const program = join(folder, 'bin/python');
  if (!existsSync(join(folder, 'complete'))) {
    execFileSync('python3', ['-m', 'venv', '--clear', folder]);
    execFileSync(program, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary', 'cryptg', ...pinned]);
    writeFileSync(join(folder, 'complete'), '');
  }
  return program;
}
